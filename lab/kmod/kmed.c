// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * kmed is a mediator inside dom0's kernel, for the lab: an ioreq server whose
 * calls never pass the privcmd and evtchn devices. Its functions have the shape
 * that XenGT's have, so that what records it can record XenGT.
 *
 * Once a domain and the number of its vCPUs are written to /proc/kmed, it plays one
 * session with the lab's guest in a thread of its own, as package mediator does in
 * user space. Its log can be read there, in the form of package dm; the last line
 * is its totals, or a step that tells an error.
 *
 * For newer kernels it is built as if the compiler had inlined what sets a server up
 * and what destroys it, as it may in XenGT: the instance's functions are all that is
 * left of these.
 *
 * It maps foreign pages as a PV dom0 does. Nothing here is meant for any other use.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <xen/events.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/xen.h>
#include <xen/xenbus.h>
#include <asm/xen/hypercall.h>

#include "kmed.h"

#define MAX_VCPUS 8
#define LOG_SIZE (8 << 20)

/* Whether the functions that an instance is made with are calls. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 12, 0)
#define INLINED
#define IN_SETUP(function) function
#else
#define IN_SETUP(function) kmed_##function
#endif

/* A foreign page in the kernel's address space; addr is at offset 8, as in
 * struct vm_struct. */
struct foreign {
	struct page *page;
	void *addr;
	u64 old; /* the entry that mapped our own page there */
};

/* One served domain: what XenGT calls struct xengt_hvm_dev. The driver profile
 * kmed.profile names the offsets of the first three. */
struct kmed {
	u16 domid;      /* 0 */
	u16 server;     /* 2 */
	u64 gfn;        /* 8: of the ioreq page */
	u32 vcpus;
	struct instance *instance;
	struct foreign *iopage;
	struct slot *slots;
	int irq[MAX_VCPUS];
	unsigned long pending;
	wait_queue_head_t wake;
	struct task_struct *thread;
	struct xenbus_device peer; /* as far as binding a channel needs one */

	struct foreign *pool[POOL_PAGES];
	u8 scratch[PORT_END + 1 - PORT_SCRATCH];
	u8 config[256];
	u8 mmio[MMIO_SIZE];

	struct slot *asking; /* the guest's unanswered read of the command port */
	u32 asking_vcpu;
	u32 reads, result; /* of the command in progress */
	int failed;
	int started;

	char *log;
	size_t length;
	u32 calls, refused, served;
};

static struct kmed *kmed;

/* What XenGT calls struct intel_vgpu. */
struct instance {
	u64 pad[6];
	struct kmed *m; /* 48 */
};

/* What kmed.profile names. They are not static, so that the compiler neither
 * inlines them nor changes what they take; calls of each other are real calls. */
#ifndef INLINED
int kmed_create_server(struct kmed *m);
int kmed_server_info(struct kmed *m);
int kmed_destroy_server(struct kmed *m);
#endif
int kmed_io_range(struct kmed *m, u32 space, u64 first, u64 last, bool map);
int kmed_claim(struct kmed *m, u32 set);
int kmed_enable(struct kmed *m, bool on);
struct instance *kmed_instance_create(u16 domid);
void kmed_instance_destroy(struct instance *i);
int kmed_set_mem_type(struct kmed *m, u32 type, u64 gfn);
int kmed_track_add(unsigned long handle, u64 gfn);
int kmed_track_remove(unsigned long handle, u64 gfn);
struct foreign *kmed_map_foreign(unsigned long gfn, int nr, u32 domid);
void kmed_unmap_foreign(struct foreign *f);
irqreturn_t kmed_irq(int irq, void *dev);
int kmed_do_ioreq(struct kmed *m, struct slot *s, u32 vcpu);

/* say appends a line to the log. Only the thread writes. */
static __printf(2, 3) void say(struct kmed *m, const char *fmt, ...)
{
	va_list args;
	size_t n;

	va_start(args, fmt);
	n = vscnprintf(m->log + m->length, LOG_SIZE - m->length, fmt, args);
	va_end(args);
	smp_store_release(&m->length, m->length + n);
}

static void step(struct kmed *m, const char *name)
{
	say(m, "{\"kind\":\"step\",\"step\":\"%s\"}\n", name);
}

static int fail(struct kmed *m, const char *what, u64 value)
{
	if (!m->failed)
		say(m, "{\"kind\":\"step\",\"step\":\"error: %s: 0x%llx\"}\n", what, value);
	m->failed = 1;
	return -EIO;
}

/* call makes one dm_op and logs it. */
static __always_inline int call(struct kmed *m, const char *name, struct dm_op *op)
{
	u64 in[3] = { op->u[0], op->u[1], op->u[2] };
	struct xen_dm_op_buf buf = { .size = sizeof(*op) };
	int rc;

	set_xen_guest_handle(buf.h, op);
	rc = HYPERVISOR_dm_op(m->domid, 1, &buf);
	m->calls++;
	m->refused += rc < 0;
	say(m, "{\"kind\":\"call\",\"call\":{\"name\":\"%s\",\"in\":[%llu,%llu,%llu],\"out\":[%llu,%llu,%llu],\"errno\":%d}}\n",
	    name, in[0], in[1], in[2], op->u[0], op->u[1], op->u[2], rc < 0 ? -rc : 0);
	return rc;
}

static __always_inline int create_server(struct kmed *m)
{
	struct dm_op op = { .op = DMOP_CREATE };
	int rc = call(m, "create_ioreq_server", &op);

	m->server = op.u[0] >> 32;
	return rc;
}

static __always_inline int server_info(struct kmed *m)
{
	struct dm_op op = { .op = DMOP_INFO, .u = { m->server } };
	int rc = call(m, "get_ioreq_server_info", &op);

	m->gfn = op.u[1];
	return rc;
}

static __always_inline int io_range(struct kmed *m, u32 space, u64 first, u64 last, bool map)
{
	struct dm_op op = {
		.op = map ? DMOP_MAP_RANGE : DMOP_UNMAP_RANGE,
		.u = { m->server | (u64)space << 32, first, last },
	};

	return call(m, map ? "map_io_range_to_ioreq_server" : "unmap_io_range_from_ioreq_server", &op);
}

static __always_inline int claim(struct kmed *m, u32 set)
{
	struct dm_op op = {
		.op = DMOP_MAP_MEM_TYPE,
		.u = { m->server | MEM_IOREQ_SERVER << 16 | (u64)(set ? ACCESS_WRITE : 0) << 32 },
	};

	return call(m, "map_mem_type_to_ioreq_server", &op);
}

static __always_inline int enable(struct kmed *m, bool on)
{
	struct dm_op op = { .op = DMOP_SET_STATE, .u = { m->server | (u32)on << 16 } };

	return call(m, "set_ioreq_server_state", &op);
}

static __always_inline int destroy_server(struct kmed *m)
{
	struct dm_op op = { .op = DMOP_DESTROY, .u = { m->server } };

	return call(m, "destroy_ioreq_server", &op);
}

#ifndef INLINED
noinline int kmed_create_server(struct kmed *m)
{
	return create_server(m);
}

noinline int kmed_server_info(struct kmed *m)
{
	return server_info(m);
}

noinline int kmed_destroy_server(struct kmed *m)
{
	return destroy_server(m);
}
#endif

noinline int kmed_io_range(struct kmed *m, u32 space, u64 first, u64 last, bool map)
{
	return io_range(m, space, first, last, map);
}

noinline int kmed_claim(struct kmed *m, u32 set)
{
	return claim(m, set);
}

noinline int kmed_enable(struct kmed *m, bool on)
{
	return enable(m, on);
}

static __always_inline int set_type(struct kmed *m, u32 type, u64 gfn)
{
	struct dm_op op = { .op = DMOP_SET_MEM_TYPE, .u = { 1 | (u64)type << 32, gfn } };

	return call(m, "set_mem_type", &op);
}

/* kmed_set_mem_type tells Xen's error, kmed_track_add and kmed_track_remove tell
 * all errors as EFAULT, as XenGT's do. */
noinline int kmed_set_mem_type(struct kmed *m, u32 type, u64 gfn)
{
	return set_type(m, type, gfn);
}

noinline int kmed_track_add(unsigned long handle, u64 gfn)
{
	return set_type((struct kmed *)handle, MEM_IOREQ_SERVER, gfn) ? -EFAULT : 0;
}

noinline int kmed_track_remove(unsigned long handle, u64 gfn)
{
	return set_type((struct kmed *)handle, MEM_RAM_RW, gfn) ? -EFAULT : 0;
}

static long remap(void *addr, u64 entry, u32 owner)
{
	return privcmd_call(__HYPERVISOR_update_va_mapping_otherdomain, (unsigned long)addr, entry,
			    UVMF_INVLPG | UVMF_ALL, owner, 0);
}

noinline void kmed_unmap_foreign(struct foreign *f)
{
	if (!f)
		return;
	if (remap(f->addr, f->old, DOMID_SELF))
		pr_err("kmed: cannot restore a mapping\n");
	vunmap(f->addr);
	__free_page(f->page);
	kfree(f);
}

/* kmed_map_foreign maps one page of a domain, in place of one of our own. */
noinline struct foreign *kmed_map_foreign(unsigned long gfn, int nr, u32 domid)
{
	const u64 flags = _PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_NX;
	struct foreign *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return NULL;
	f->page = alloc_page(GFP_KERNEL);
	f->addr = f->page ? vmap(&f->page, nr, VM_MAP, PAGE_KERNEL) : NULL;
	if (!f->addr)
		goto fail;
	memset(f->addr, 0, PAGE_SIZE); /* the entry is there, and not lazily */
	f->old = pfn_pte(page_to_pfn(f->page), PAGE_KERNEL).pte;
	if (!remap(f->addr, (u64)gfn << PAGE_SHIFT | flags, domid))
		return f;
	vunmap(f->addr);
fail:
	if (f->page)
		__free_page(f->page);
	kfree(f);
	return NULL;
}

noinline irqreturn_t kmed_irq(int irq, void *dev)
{
	struct kmed *m = dev;
	u32 v;

	for (v = 0; v < m->vcpus; v++)
		if (m->irq[v] == irq)
			set_bit(v, &m->pending);
	wake_up(&m->wake);
	xen_irq_lateeoi(irq, 0);
	return IRQ_HANDLED;
}

static int bind(struct kmed *m, u32 eport)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 12, 0)
	m->peer.otherend_id = m->domid;
	return bind_interdomain_evtchn_to_irqhandler_lateeoi(&m->peer, eport, kmed_irq, 0, "kmed", m);
#else
	return bind_interdomain_evtchn_to_irqhandler_lateeoi(m->domid, eport, kmed_irq, 0, "kmed", m);
#endif
}

/* pool_at returns where the guest's page is mapped, NULL if it is none of the pool. */
static u8 *pool_at(struct kmed *m, u64 addr)
{
	u64 page = (addr >> PAGE_SHIFT) - POOL;

	return page < POOL_PAGES ? m->pool[page]->addr + offset_in_page(addr) : NULL;
}

/* memory returns the bytes behind a request, NULL if it is not for us. */
static u8 *memory(struct kmed *m, const struct slot *s)
{
	u64 last = s->addr + s->size - 1;

	if (s->count != 1 || s->bits & 0x10 || s->size > 8)
		return NULL;
	if (s->type == TYPE_PIO && s->addr >= PORT_SCRATCH && last <= PORT_END)
		return m->scratch + (s->addr - PORT_SCRATCH);
	if (s->type == TYPE_PCI_CONFIG && s->addr >> 32 == PCI_DEVICE)
		return m->config + (s->addr & 0xfc);
	if (s->type == TYPE_COPY && s->addr >= MMIO && last < (u64)MMIO + MMIO_SIZE)
		return m->mmio + (s->addr - MMIO);
	if (s->type == TYPE_COPY && slot_dir(s) == DIR_WRITE && offset_in_page(s->addr) + s->size <= PAGE_SIZE)
		return pool_at(m, s->addr);
	return NULL;
}

static void answer(struct kmed *m, u32 vcpu, struct slot *s, u64 data)
{
	say(m, "{\"kind\":\"sync\",\"sync\":{\"server\":%u,\"vcpu\":%u,\"type\":%u,\"addr\":%llu,\"data\":%llu,\"size\":%u,\"count\":%u,\"dir\":%u,\"answer\":%llu}}\n",
	    m->server, vcpu, s->type, s->addr, s->data, s->size, s->count, slot_dir(s), data);
	m->served++;
	s->data = data;
	smp_wmb();
	slot_set_state(s, STATE_RESP_READY);
	notify_remote_via_irq(m->irq[vcpu]);
}

/* kmed_do_ioreq serves one request, whose slot says INPROCESS already. */
noinline int kmed_do_ioreq(struct kmed *m, struct slot *s, u32 vcpu)
{
	u64 data = s->data;
	u8 *mem;

	if (s->type == TYPE_PIO && s->addr == PORT_COMMAND && slot_dir(s) == DIR_READ) {
		m->asking = s;
		m->asking_vcpu = vcpu;
		return 0;
	}
	mem = memory(m, s);
	if (s->type == TYPE_PIO && s->addr == PORT_RESULT && slot_dir(s) == DIR_WRITE)
		m->result = data;
	else if (s->type == TYPE_INVALIDATE)
		; /* a broadcast; the pages that we have mapped stay where they are */
	else if (!mem)
		fail(m, "a request that is not ours", s->addr);
	else if (slot_dir(s) == DIR_WRITE)
		memcpy(mem, &data, s->size);
	else {
		data = 0;
		memcpy(&data, mem, s->size);
		m->reads += data;
	}
	answer(m, vcpu, s, data);
	return 0;
}

/* until_asked serves until the guest asks for its next command. */
static int until_asked(struct kmed *m)
{
	u32 v;

	while (!m->asking && !m->failed) {
		if (!wait_event_interruptible_timeout(m->wake, m->pending || kthread_should_stop(), 300 * HZ))
			return fail(m, "no request for long", 0);
		if (kthread_should_stop())
			return -EINTR;
		for (v = 0; v < m->vcpus; v++) {
			struct slot *s = &m->slots[v];

			if (!test_and_clear_bit(v, &m->pending) || slot_state(s) != STATE_READY)
				continue;
			smp_rmb();
			slot_set_state(s, STATE_INPROCESS);
			kmed_do_ioreq(m, s, v);
		}
	}
	return m->failed ? -EIO : 0;
}

/* reply gives the guest its next command. */
static void reply(struct kmed *m, u32 op, u32 count)
{
	struct slot *s = m->asking;

	m->asking = NULL;
	m->reads = m->result = 0;
	answer(m, m->asking_vcpu, s, op | count << 8);
}

/* dismiss gives the guest its last command and waits until Xen has taken the
 * answer: it would not find one any more in the page of a server that is gone. */
static int dismiss(struct kmed *m)
{
	struct slot *s = m->asking;
	int tries = 10000;

	step(m, "guest end");
	reply(m, OP_END, 0);
	while (slot_state(s) == STATE_RESP_READY)
		if (!tries--)
			return fail(m, "Xen does not take the last answer", 0);
		else
			msleep(1);
	return 0;
}

/* perform has the guest do op count times, and checks its result: the sum of what
 * it read, or the count. */
static int perform(struct kmed *m, u32 op, u32 count, bool sums)
{
	int rc;

	reply(m, op, count);
	rc = until_asked(m);
	if (!rc && m->result != (sums ? m->reads : count))
		rc = fail(m, "the guest's result is wrong", m->result);
	return rc;
}

static int expect(struct kmed *m, const char *what, int rc, int want)
{
	return rc == want ? 0 : fail(m, what, rc);
}

static __always_inline int set_up(struct kmed *m)
{
	if (expect(m, "create", IN_SETUP(create_server)(m), 0) || expect(m, "info", IN_SETUP(server_info)(m), 0))
		return -EIO;
	m->iopage = kmed_map_foreign(m->gfn, 1, m->domid);
	if (!m->iopage)
		return fail(m, "map the ioreq page", m->gfn);
	m->slots = m->iopage->addr;
	return expect(m, "pci", IN_SETUP(io_range)(m, SPACE_PCI, PCI_DEVICE, PCI_DEVICE, true), 0) ||
	       expect(m, "claim", IN_SETUP(claim)(m, 1), 0) || expect(m, "enable", IN_SETUP(enable)(m, true), 0);
}

/* kmed_instance_create returns a server that is set up, NULL if it cannot be. */
noinline struct instance *kmed_instance_create(u16 domid)
{
	struct instance *i = kzalloc(sizeof(*i), GFP_KERNEL);

	if (!i)
		return NULL;
	i->m = kmed;
	i->m->domid = domid;
	if (!set_up(i->m))
		return i;
	kfree(i);
	return NULL;
}

noinline void kmed_instance_destroy(struct instance *i)
{
	expect(i->m, "destroy", IN_SETUP(destroy_server)(i->m), 0);
	kfree(i);
}

static int open_server(struct kmed *m)
{
	u32 i;

	step(m, "create");
	if (expect(m, "type before a claim", kmed_set_mem_type(m, MEM_IOREQ_SERVER, POOL), -EINVAL))
		return -EIO;
	m->instance = kmed_instance_create(m->domid);
	if (!m->instance)
		return -EIO;
	for (i = 0; i < POOL_PAGES; i++) {
		m->pool[i] = kmed_map_foreign(POOL + i, 1, m->domid);
		if (!m->pool[i])
			return fail(m, "map a page of the pool", POOL + i);
	}
	step(m, "ranges");
	if (expect(m, "ports", kmed_io_range(m, SPACE_PORT, PORT_COMMAND, PORT_END, true), 0) ||
	    expect(m, "ports twice", kmed_io_range(m, SPACE_PORT, PORT_END, PORT_END + 8, true), -EEXIST) ||
	    expect(m, "no such ports", kmed_io_range(m, SPACE_PORT, 0x4000, 0x4007, false), -ENOENT) ||
	    expect(m, "part of the ports", kmed_io_range(m, SPACE_PORT, PORT_END - 3, PORT_END, false), 0) ||
	    expect(m, "and again", kmed_io_range(m, SPACE_PORT, PORT_END - 3, PORT_END, true), 0) ||
	    expect(m, "memory", kmed_io_range(m, SPACE_MEMORY, MMIO, MMIO + MMIO_SIZE - 1, true), 0) ||
	    expect(m, "claim twice", kmed_claim(m, 1), -EBUSY))
		return -EIO;
	for (i = 0; i < m->vcpus; i++) {
		m->irq[i] = bind(m, m->slots[i].eport);
		if (m->irq[i] < 0)
			return fail(m, "bind", -m->irq[i]);
		set_bit(i, &m->pending); /* its first event may have come before we knew the irq */
	}
	return until_asked(m);
}

/* track types or untypes the pool's first pages. The guest is blocked in its read
 * of the command port: no write to them is in flight. */
static int track(struct kmed *m, u32 pages, bool add)
{
	unsigned long handle = (unsigned long)m;
	u32 i;

	for (i = 0; i < pages; i++)
		if (expect(m, "track", add ? kmed_track_add(handle, POOL + i) : kmed_track_remove(handle, POOL + i), 0))
			return -EIO;
	return 0;
}

static int serve(struct kmed *m)
{
	step(m, "ports and memory");
	if (perform(m, OP_PIO, 300, true) || perform(m, OP_MMIO, 150, true) || perform(m, OP_PCI, 100, true) ||
	    (m->vcpus > 1 && perform(m, OP_SMP, 50, true)))
		return -EIO;
	step(m, "typed pages");
	if (track(m, POOL_PAGES, true) || perform(m, OP_WRITE, 1500, false) || perform(m, OP_SIZES, 150, false))
		return -EIO;
	step(m, "fewer typed pages");
	if (track(m, POOL_PAGES / 2, false) || perform(m, OP_WRITE, 600, false))
		return -EIO;
	/* Xen turns the pages that are still typed back. */
	step(m, "release");
	return expect(m, "release", kmed_claim(m, 0), 0) ||
	       expect(m, "release twice", kmed_claim(m, 0), -EINVAL) || perform(m, OP_WRITE, 300, false);
}

static void close_server(struct kmed *m)
{
	u32 i;

	for (i = 0; i < m->vcpus; i++)
		if (m->irq[i] > 0)
			unbind_from_irqhandler(m->irq[i], m);
	if (m->instance) {
		expect(m, "disable", kmed_enable(m, false), 0);
		kmed_instance_destroy(m->instance);
	}
	kmed_unmap_foreign(m->iopage);
	for (i = 0; i < POOL_PAGES; i++)
		kmed_unmap_foreign(m->pool[i]);
}

static int play(void *arg)
{
	struct kmed *m = arg;

	if (!open_server(m) && !serve(m))
		dismiss(m);
	step(m, "destroy");
	close_server(m);
	if (!m->failed)
		say(m, "{\"kind\":\"total\",\"total\":{\"calls\":%u,\"refused\":%u,\"sync\":%u}}\n", m->calls, m->refused, m->served);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int show(struct seq_file *f, void *unused)
{
	seq_write(f, kmed->log, smp_load_acquire(&kmed->length));
	return 0;
}

static int open_log(struct inode *inode, struct file *file)
{
	return single_open_size(file, show, NULL, kmed->length + PAGE_SIZE);
}

static ssize_t start(struct file *file, const char __user *buf, size_t n, loff_t *pos)
{
	unsigned int domid, vcpus;
	char text[32] = {};

	if (n >= sizeof(text) || copy_from_user(text, buf, n) || sscanf(text, "%u %u", &domid, &vcpus) != 2 ||
	    !vcpus || vcpus > MAX_VCPUS)
		return -EINVAL;
	if (xchg(&kmed->started, 1))
		return -EBUSY;
	kmed->domid = domid;
	kmed->vcpus = vcpus;
	kmed->thread = kthread_run(play, kmed, "kmed");
	return IS_ERR(kmed->thread) ? PTR_ERR(kmed->thread) : n;
}

static const struct proc_ops log_ops = {
	.proc_open = open_log,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = start,
};

static int __init kmed_init(void)
{
	if (!xen_pv_domain() || !xen_initial_domain())
		return -ENODEV;
	kmed = vzalloc(sizeof(*kmed));
	if (!kmed)
		return -ENOMEM;
	init_waitqueue_head(&kmed->wake);
	kmed->log = vmalloc(LOG_SIZE);
	if (kmed->log && proc_create("kmed", 0600, NULL, &log_ops))
		return 0;
	vfree(kmed->log);
	vfree(kmed);
	return -ENOMEM;
}

static void __exit kmed_exit(void)
{
	remove_proc_entry("kmed", NULL);
	if (!IS_ERR_OR_NULL(kmed->thread))
		kthread_stop(kmed->thread);
	vfree(kmed->log);
	vfree(kmed);
}

module_init(kmed_init);
module_exit(kmed_exit);
MODULE_DESCRIPTION("iotrace's lab: a mediator inside dom0's kernel");
MODULE_LICENSE("GPL");
