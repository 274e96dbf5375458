# The prober: the lab's guest that makes single accesses on command. It is
# loaded as a kernel by the toolstack, so that no firmware and no boot device come
# before it, and runs in 64-bit mode with all of the first 8 GiB mapped one to one
# and interrupts off.
#
# It reads PORT_DOORBELL, which blocks it until the port's owner answers with a
# number of commands. They lie in the guest's own memory at COMMANDS, 128 bytes
# each (see prober.go). A command is the registers to load, the machine code of
# one instruction with a return behind it, and room for the registers afterwards
# and for the exception that the instruction caused, if it caused one. Before each
# command its number is stored at PROGRESS. What an instruction is, is no concern of
# this file.
#
# If VCPUS says 2, the first vCPU starts the second, which does as it does, with
# PROGRESS, COMMANDS and a stack of its own. %r9 is the vCPU's number in all of main.
#
# Nothing here touches memory from POOL on: pages there may be given any type. And
# nothing below it may be: an instruction can't be fetched from a typed page.

	.set PORT_DOORBELL, 0x5678	# in: how many commands
	.set PROGRESS,     0x00200000	# number of the command in progress, a word for each vCPU
	.set VCPUS,        0x00200040	# how many there are
	.set COMMANDS,     0x00201000
	.set COMMANDS_SIZE,   0x20000	# of each vCPU
	.set COMMANDS_END, 0x00241000
	.set POOL,         0x00400000

	.set TRAMPOLINE,   0x00008000	# where the second vCPU begins, in real mode
	.set LAPIC,        0xfee00000
	.set STACK,        0x00180000
	.set STACK_SIZE,       0x8000
	.set TABLES,       0x00190000	# one PML4, one PDPT and PDS page directories
	.set PDS,          8
	.set IDT,          0x001a0000
	.set VECTORS,      32

# Offsets in a command.
	.set RAX, 0x00
	.set RCX, 0x08
	.set RDX, 0x10
	.set RBX, 0x18
	.set RSI, 0x20
	.set RDI, 0x28
	.set FLAGS, 0x30		# to load, and afterwards
	.set XMM0, 0x40
	.set VECTOR, 0x50		# of the exception, all ones without
	.set ERROR, 0x54		# its error code
	.set CODE, 0x60
	.set COMMAND, 0x80

	.section .note.Xen, "a", @note
	.balign 4
	.long	4, 4, 18		# XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.long	_start

	.section .rodata, "a"
	.balign 8
gdt:	.quad	0
	.quad	0x00cf9a000000ffff	# 0x08 32-bit code, base 0, 4 GiB
	.quad	0x00cf92000000ffff	# 0x10 data
	.quad	0x00af9a000000ffff	# 0x18 64-bit code
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt, 0
idt_pointer:
	.word	VECTORS * 16 - 1
	.long	IDT, 0
layout:	.ascii	"IOTP"			# read back by the Go package
	.long	PORT_DOORBELL, PROGRESS, VCPUS, COMMANDS, COMMANDS_SIZE, COMMANDS_END, POOL
	.long	FLAGS, XMM0, VECTOR, ERROR, CODE, COMMAND

	.text
	.code32
	.globl _start
_start:
	cli
	cld
	lgdtl	gdt_pointer
	ljmp	$0x08, $1f
1:	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$STACK, %esp
	call	tables
	movl	$trampoline, %esi
	movl	$TRAMPOLINE, %edi
	movl	$trampoline_end - trampoline, %ecx
	rep	movsb
long:	movl	%cr4, %eax
	orl	$0x620, %eax		# PAE, SSE and its exceptions
	movl	%eax, %cr4
	movl	$TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	# EFER
	rdmsr
	orl	$0x100, %eax		# long mode
	wrmsr
	movl	%cr0, %eax
	andl	$~0xc, %eax		# no FPU emulation, no lazy switch
	orl	$0x80000003, %eax	# paging, protection, FPU
	movl	%eax, %cr0
	ljmp	$0x18, $main

# tables maps the first PDS GiB to themselves, by pages of 2 MiB.
tables:	movl	$TABLES, %edi
	xorl	%eax, %eax
	movl	$(2 + PDS) * 1024, %ecx
	rep	stosl
	movl	$TABLES + 0x1003, TABLES
	xorl	%ecx, %ecx
1:	movl	%ecx, %eax
	shll	$12, %eax
	addl	$TABLES + 0x2003, %eax
	movl	%eax, TABLES + 0x1000(,%ecx,8)
	incl	%ecx
	cmpl	$PDS, %ecx
	jb	1b
	xorl	%ecx, %ecx
2:	movl	%ecx, %eax
	shll	$21, %eax
	orl	$0x83, %eax		# present, writable, large
	movl	%eax, TABLES + 0x2000(,%ecx,8)
	movl	%ecx, %eax
	shrl	$11, %eax
	movl	%eax, TABLES + 0x2004(,%ecx,8)
	incl	%ecx
	cmpl	$PDS * 512, %ecx
	jb	2b
	ret

# trampoline is copied to where the second vCPU begins.
	.code16
trampoline:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	TRAMPOLINE + 1f - trampoline
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$0x08, $second
1:	.word	gdt_pointer - gdt - 1
	.long	gdt
trampoline_end:

	.code32
second:	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	jmp	long

	.code64
main:	movl	$1, %eax
	cpuid
	shrl	$25, %ebx		# the APIC's id, which is twice the number
	movl	%ebx, %r9d
	imull	$STACK_SIZE, %ebx, %esp
	addl	$STACK, %esp
	testl	%r9d, %r9d
	jnz	2f
	xorl	%ecx, %ecx
	movl	$stubs, %eax
	movl	$IDT, %edi
1:	movw	%ax, (%rdi)		# a gate of 16 bytes
	movl	$0x8e000018, 2(%rdi)	# selector, interrupt gate
	movl	%eax, %edx
	shrl	$16, %edx
	movw	%dx, 6(%rdi)
	movq	$0, 8(%rdi)
	addl	$STUB, %eax
	addl	$16, %edi
	incl	%ecx
	cmpl	$VECTORS, %ecx
	jb	1b
	cmpl	$2, VCPUS
	jb	2f
	movl	$LAPIC, %edi
	movl	$0x1ff, 0xf0(%rdi)	# the APIC is on
	movl	$2 << 24, 0x310(%rdi)
	movl	$0x4500, 0x300(%rdi)	# INIT
	movl	$0x4600 | TRAMPOLINE >> 12, 0x300(%rdi)	# SIPI
2:	lidt	idt_pointer

ask:	movl	$PORT_DOORBELL, %edx
	inl	%dx, %eax
	cmpl	$-1, %eax		# nobody owns it
	je	ask
	movl	%eax, %r15d
	xorl	%r14d, %r14d
	imull	$COMMANDS_SIZE, %r9d, %ebp
	addl	$COMMANDS, %ebp
	jmp	2f
1:	movl	%r14d, PROGRESS(,%r9,4)
	call	perform
	addq	$COMMAND, %rbp
	incl	%r14d
2:	cmpl	%r15d, %r14d
	jb	1b
	jmp	ask

# perform does the command at %rbp, whose code may change all that it loads.
perform:
	movq	%rsp, %r13
	fninit
	movups	XMM0(%rbp), %xmm0
	movq	RAX(%rbp), %rax
	movq	RCX(%rbp), %rcx
	movq	RDX(%rbp), %rdx
	movq	RBX(%rbp), %rbx
	movq	RSI(%rbp), %rsi
	movq	RDI(%rbp), %rdi
	movl	$-1, VECTOR(%rbp)
	movq	%rbp, %r12
	addq	$CODE, %r12
	pushq	FLAGS(%rbp)
	popfq
	callq	*%r12
performed:
	pushfq
	popq	FLAGS(%rbp)
	cld
	movq	%rax, RAX(%rbp)
	movq	%rcx, RCX(%rbp)
	movq	%rdx, RDX(%rbp)
	movq	%rbx, RBX(%rbp)
	movq	%rsi, RSI(%rbp)
	movq	%rdi, RDI(%rbp)
	movups	%xmm0, XMM0(%rbp)
	ret

# An exception ends its command. %r8 has the error code of those that push one.
	.set STUB, 16
	.set WITH_ERROR, 0x27d00	# vectors 8, 10 to 14, 17
	.set v, 0
	.balign STUB
stubs:
	.rept VECTORS
	.balign STUB
	.if (WITH_ERROR >> v) & 1
	popq	%r8
	.else
	xorl	%r8d, %r8d
	.endif
	movl	$v, VECTOR(%rbp)
	jmp	caught
	.set v, v + 1
	.endr
caught:	movl	%r8d, ERROR(%rbp)
	movq	%r13, %rsp
	jmp	performed
