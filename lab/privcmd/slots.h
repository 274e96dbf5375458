/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What xen-privcmd lacks to answer requests by itself in a PV dom0. It takes the page
 * of slots for memory of dom0's, which it is where dom0's memory is translated. In a PV
 * dom0 only the device model's page tables have the page; these functions put it into
 * the kernel's. build.sh has the driver call them, with ioreq_lock held.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/ioreq.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>

/* The pages that are mapped now, each in place of one of our own. */
static struct {
	struct ioreq *slots;
	struct page *own;
} slot_pages[8];

/* page_entry gets the machine frame that a page of the device model has. */
static int page_entry(pte_t *pte, unsigned long addr, void *entry)
{
	*(u64 *)entry = pte->pte;
	return 0;
}

/* set_entry maps a machine frame of a domain at addr. */
static int set_entry(void *addr, u64 entry, domid_t owner)
{
	struct mmuext_op flush = { .cmd = MMUEXT_INVLPG_ALL, .arg1.linear_addr = (unsigned long)addr };
	unsigned int level;
	struct mmu_update u = {
		.ptr = virt_to_machine(lookup_address((unsigned long)addr, &level)).maddr | MMU_PT_UPDATE_NO_TRANSLATE,
		.val = entry,
	};

	return privcmd_call(__HYPERVISOR_mmu_update, (unsigned long)&u, 1, 0, owner, 0) ?:
	       privcmd_call(__HYPERVISOR_mmuext_op, (unsigned long)&flush, 1, 0, DOMID_SELF, 0);
}

/* map_slots returns the page that the current process has at addr, NULL if it cannot. */
static struct ioreq *map_slots(u64 addr, domid_t dom)
{
	const u64 flags = _PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_NX;
	u64 entry = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(slot_pages) && slot_pages[i].slots; i++)
		;
	if (i == ARRAY_SIZE(slot_pages) || apply_to_page_range(current->mm, addr, PAGE_SIZE, page_entry, &entry))
		return NULL;
	slot_pages[i].own = alloc_page(GFP_KERNEL);
	if (!slot_pages[i].own)
		return NULL;
	slot_pages[i].slots = vmap(&slot_pages[i].own, 1, VM_MAP, PAGE_KERNEL);
	if (!slot_pages[i].slots)
		goto free;
	memset(slot_pages[i].slots, 0, PAGE_SIZE); /* the entry is there, and not lazily */
	if (!set_entry(slot_pages[i].slots, (entry & PTE_PFN_MASK) | flags, dom))
		return slot_pages[i].slots;
	vunmap(slot_pages[i].slots);
	slot_pages[i].slots = NULL;
free:
	__free_page(slot_pages[i].own);
	return NULL;
}

static void unmap_slots(struct ioreq *slots)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(slot_pages); i++) {
		if (slot_pages[i].slots != slots)
			continue;
		if (set_entry(slots, pfn_pte(page_to_pfn(slot_pages[i].own), PAGE_KERNEL).pte, DOMID_SELF))
			pr_err("privcmd: cannot restore a mapping\n");
		vunmap(slots);
		__free_page(slot_pages[i].own);
		slot_pages[i].slots = NULL;
	}
}
