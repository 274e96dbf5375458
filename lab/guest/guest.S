# The lab's guest: a disk image of our own that makes every kind of access a
# device model can be asked to serve. SeaBIOS loads the first sector; it loads the
# rest, goes to flat 32-bit mode and obeys commands.
#
# The protocol needs no clock. The guest reads PORT_COMMAND; all ones mean that no
# server owns the port yet, so it sleeps until the next timer tick and asks again.
# Anything else is an operation (bits 7:0) with a count (bits 31:8). It does that,
# writes a result to PORT_RESULT and asks again. Whoever serves the port decides
# the order of everything, by when and how it answers.
#
# Code, stack and descriptor tables lie below 64 KiB. Only pages of POOL may ever
# be typed: executing from or keeping a stack in a typed page would fault for ever.
#
# Values in the layout table are read back by the Go package; see guest.go.

	.set PORT_COMMAND, 0x5678	# in: next command
	.set PORT_RESULT,  0x567c	# out: result of the last command
	.set PORT_SCRATCH, 0x5680	# 16 ports that hold what is written to them
	.set MMIO,         0xe8000000	# two pages that hold what is written to them
	.set VGA,          0x000b8000	# text memory, 32 KiB
	.set PCI_DEVICE,   0x1e		# 00:1e.0, unused by QEMU's machine
	.set BUFFER,       0x00010000	# 2 pages of ordinary memory for string operations
	.set POOL,         0x01000000	# pages that may be typed
	.set POOL_PAGES,   32
	.set POOL_MASK,    POOL_PAGES * 4096 - 4

	.set COM1,         0x3f8
	.set COM1_SCRATCH, COM1 + 7	# holds what is written to it
	.set STACK,        0x7c00
	.set AP_STACK,     0x6000
	.set AP_START,     0x9000	# page where a second vCPU starts
	.set SECTORS,      (image_end - stage2 + 511) / 512

	.text
	.code16
	.globl _start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$STACK, %sp
	cld
	ljmp	$0, $load
load:
	movb	$0x42, %ah		# extended read; %dl is still the boot drive
	movw	$packet, %si
	int	$0x13
	jc	dead
	cli
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmp	$0x08, $stage2
dead:
	movw	$COM1, %dx
	movb	$'!', %al
	outb	%al, %dx
1:	hlt
	jmp	1b

	.balign 4
packet:	.byte	16, 0
	.word	SECTORS
	.word	stage2, 0
	.quad	1			# from the second sector

	.balign 8
gdt:	.quad	0
	.quad	0x00cf9a000000ffff	# 0x08 code, base 0, 4 GiB
	.quad	0x00cf92000000ffff	# 0x10 data
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	.org	0x160
layout:	.ascii	"IOTG"
	.long	PORT_COMMAND, PORT_RESULT, PORT_SCRATCH, MMIO, VGA, PCI_DEVICE
	.long	BUFFER, POOL, POOL_PAGES, (ops_end - ops) / 4

	.org	510
	.word	0xaa55

	.code32
stage2:
	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$STACK, %esp
	lidtl	idt_pointer
	movb	$0xfe, %al		# of all interrupts only the timer's
	outb	%al, $0x21
	movb	$0xff, %al
	outb	%al, $0xa1
	movl	%cr4, %eax
	orl	$0x600, %eax		# SSE
	movl	%eax, %cr4
	movl	%cr0, %eax
	andl	$~0x4, %eax		# no FPU emulation
	movl	%eax, %cr0
	movl	$msg_up, %esi
	call	print

command:
	movl	$PORT_COMMAND, %edx
	inl	%dx, %eax
	cmpl	$-1, %eax
	jne	1f
	sti
	hlt
	cli
	jmp	command
1:	movl	%eax, %ecx
	shrl	$8, %ecx
	movzbl	%al, %esi
	movl	$-1, %eax
	cmpl	$(ops_end - ops) / 4, %esi
	jae	2f
	call	*ops(,%esi,4)
2:	movl	$PORT_RESULT, %edx
	outl	%eax, %dx
	jmp	command

# Operations take a count in %ecx and return a result in %eax. They may use every
# register but %esp. The Go package numbers them in this order.
	.balign 4
ops:	.long	op_end, op_pio, op_outs, op_ins, op_mmio, op_mmio_movs, op_mmio_stos
	.long	op_pci, op_pci_scan, op_vga, op_vga8
	.long	op_write, op_sizes, op_rmw, op_stos, op_movs, op_straddle, op_wide, op_sum, op_smp, op_uart
ops_end:

# end: say so on the console and never touch a port again, so that whoever served
# us may go away. This is the one operation without a result.
op_end:	movl	$msg_end, %esi
	call	print
1:	sti
	hlt
	jmp	1b

# print writes the string at %esi to COM1.
print:	movl	$COM1, %edx
1:	lodsb
	testb	%al, %al
	jz	2f
	outb	%al, %dx
	jmp	1b
2:	ret

# pio: count times out and in of 1, 2 and 4 bytes; the sum of what was read.
op_pio:	movl	$PORT_SCRATCH, %edx
pio:	xorl	%ebx, %ebx
	jecxz	2f
1:	movl	%ecx, %eax
	outb	%al, %dx
	xorl	%eax, %eax
	inb	%dx, %al
	addl	%eax, %ebx
	leal	0x5100(%ecx), %eax
	outw	%ax, %dx
	xorl	%eax, %eax
	inw	%dx, %ax
	addl	%eax, %ebx
	leal	0x52000000(%ecx), %eax
	outl	%eax, %dx
	xorl	%eax, %eax
	inl	%dx, %eax
	addl	%eax, %ebx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

# fill writes a pattern of %ecx dwords to BUFFER; sum adds %ecx dwords at %esi.
fill:	pushl	%ecx
	movl	$BUFFER, %edi
	movl	$0x01020304, %eax
1:	stosl
	addl	$0x01010101, %eax
	decl	%ecx
	jnz	1b
	popl	%ecx
	ret
sum:	xorl	%ebx, %ebx
	jecxz	2f
1:	lodsl
	addl	%eax, %ebx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

# outs: rep outsb of count bytes, then of as many words backwards.
op_outs:
	call	fill
	pushl	%ecx
	movl	$PORT_SCRATCH, %edx
	movl	$BUFFER, %esi
	rep	outsb
	popl	%ecx
	leal	BUFFER(,%ecx,2), %esi
	std
	rep	outsw
	cld
	xorl	%eax, %eax
	ret

# ins: rep insb of count bytes, then rep insl of count dwords; the latter's sum.
op_ins:	pushl	%ecx
	movl	$PORT_SCRATCH, %edx
	movl	$BUFFER, %edi
	rep	insb
	movl	(%esp), %ecx
	movl	$BUFFER, %edi
	rep	insl
	popl	%ecx
	movl	$BUFFER, %esi
	jmp	sum

# mmio: count times write and read of 1, 2 and 4 bytes; the sum of what was read.
op_mmio:
	xorl	%ebx, %ebx
	jecxz	2f
1:	movl	%ecx, %edi
	andl	$0xff, %edi
	leal	MMIO(,%edi,8), %edi
	movb	%cl, (%edi)
	movzbl	(%edi), %eax
	addl	%eax, %ebx
	movw	%cx, 2(%edi)
	movzwl	2(%edi), %eax
	addl	%eax, %ebx
	leal	0x53000000(%ecx), %eax
	movl	%eax, 4(%edi)
	movl	4(%edi), %eax
	addl	%eax, %ebx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

# mmio_movs: count dwords to the device and back, upwards and downwards; the sum
# of what came back.
op_mmio_movs:
	call	fill
	pushl	%ecx
	movl	$BUFFER, %esi
	movl	$MMIO, %edi
	rep	movsl
	movl	(%esp), %ecx
	movl	$MMIO, %esi
	movl	$BUFFER, %edi
	rep	movsl
	movl	(%esp), %ecx
	leal	BUFFER-4(,%ecx,4), %esi
	leal	MMIO-4(,%ecx,4), %edi
	std
	rep	movsl
	movl	(%esp), %ecx
	leal	MMIO-4(,%ecx,4), %esi
	leal	BUFFER-4(,%ecx,4), %edi
	rep	movsl
	cld
	popl	%ecx
	movl	$BUFFER, %esi
	jmp	sum

# mmio_stos: rep stosl of count dwords across the device's page boundary.
op_mmio_stos:
	movl	$MMIO + 0x1000, %edi
	leal	(%ecx,%ecx), %eax
	subl	%eax, %edi
	andl	$~3, %edi
	movl	$0x54545454, %eax
	rep	stosl
	xorl	%eax, %eax
	ret

# pci: count times select a register of our own device, read it with 4, 2 and 1
# bytes and write it; the sum of what was read.
op_pci:	xorl	%ebx, %ebx
	jecxz	2f
1:	movl	%ecx, %eax
	shll	$2, %eax
	andl	$0xfc, %eax
	orl	$0x80000000 | PCI_DEVICE << 11, %eax
	movl	$0xcf8, %edx
	outl	%eax, %dx
	movl	$0xcfc, %edx
	inl	%dx, %eax
	addl	%eax, %ebx
	movl	$0xcfe, %edx
	xorl	%eax, %eax
	inw	%dx, %ax
	addl	%eax, %ebx
	movl	$0xcfd, %edx
	xorl	%eax, %eax
	inb	%dx, %al
	addl	%eax, %ebx
	movl	$0xcfc, %edx
	leal	0x55000000(%ecx), %eax
	outl	%eax, %dx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

# pci_scan: read the first register of every device on bus 0; how many answered.
op_pci_scan:
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
1:	movl	%ecx, %eax
	shll	$11, %eax
	orl	$0x80000000, %eax
	movl	$0xcf8, %edx
	outl	%eax, %dx
	movl	$0xcfc, %edx
	inl	%dx, %eax
	cmpl	$-1, %eax
	je	2f
	incl	%ebx
2:	incl	%ecx
	cmpl	$32, %ecx
	jb	1b
	movl	%ebx, %eax
	ret

# vga: count writes to text memory, of 4, 2, 1, 1 bytes in turn.
op_vga:	xorl	%ebx, %ebx
	jecxz	5f
1:	movl	%ebx, %edi
	andl	$0x1fff, %edi
	leal	VGA(,%edi,4), %edi
	movl	%ebx, %eax
	andl	$3, %eax
	jz	2f
	decl	%eax
	jz	3f
	movb	%bl, (%edi)
	jmp	4f
2:	movl	%ebx, (%edi)
	jmp	4f
3:	movw	%bx, (%edi)
4:	incl	%ebx
	decl	%ecx
	jnz	1b
5:	movl	%ebx, %eax
	ret

# vga8: count writes of 8 bytes to text memory.
op_vga8:
	xorl	%ebx, %ebx
	jecxz	2f
1:	movl	%ebx, %edi
	andl	$0xfff, %edi
	leal	VGA(,%edi,8), %edi
	movd	%ebx, %mm0
	punpckldq %mm0, %mm0
	movq	%mm0, (%edi)
	incl	%ebx
	decl	%ecx
	jnz	1b
	emms
2:	movl	%ebx, %eax
	ret

# write: count writes of 4 bytes, walking through the pool with a stride that
# visits its pages in turn.
op_write:
	xorl	%ebx, %ebx
	jecxz	2f
1:	imull	$0x1004, %ebx, %edi
	andl	$POOL_MASK, %edi
	leal	0x57000000(%ebx), %eax
	movl	%eax, POOL(%edi)
	incl	%ebx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

# sizes: count times a write of 1, 2 and 4 bytes, the last one misaligned.
op_sizes:
	xorl	%ebx, %ebx
	jecxz	2f
1:	imull	$0x1010, %ebx, %edi
	andl	$POOL_MASK, %edi
	movb	%bl, POOL(%edi)
	movw	%bx, POOL+2(%edi)
	leal	0x58000000(%ebx), %eax
	movl	%eax, POOL+5(%edi)
	incl	%ebx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

# rmw: count times read-modify-writes, plain, exchanged and locked; the pool's
# first dword afterwards.
op_rmw:	jecxz	2f
1:	addl	$1, POOL
	movl	%ecx, %eax
	xchgl	%eax, POOL+0x10
	lock incl POOL+0x20
	movl	POOL+0x30, %eax
	leal	1(%eax), %edx
	lock cmpxchgl %edx, POOL+0x30
	orb	$0x80, POOL+0x41
	decl	%ecx
	jnz	1b
2:	movl	POOL, %eax
	ret

# stos: rep stosl of count dwords across the pool's first page boundary.
op_stos:
	movl	$POOL + 0x1000, %edi
	leal	(%ecx,%ecx), %eax
	subl	%eax, %edi
	andl	$~3, %edi
	movl	$0x59595959, %eax
	rep	stosl
	xorl	%eax, %eax
	ret

# movs: rep movsl of count dwords into the pool, downwards.
op_movs:
	call	fill
	leal	BUFFER-4(,%ecx,4), %esi
	leal	POOL+0x2000-4(,%ecx,4), %edi
	std
	rep	movsl
	cld
	xorl	%eax, %eax
	ret

# straddle: count writes of 4 bytes, half on each side of a page boundary.
op_straddle:
	xorl	%ebx, %ebx
	jecxz	2f
1:	movl	%ebx, %edi
	andl	$3, %edi
	shll	$12, %edi
	leal	0x5a000000(%ebx), %eax
	movl	%eax, POOL+0xffe(%edi)
	incl	%ebx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

# wide: count times a write of 8 and of 16 bytes.
op_wide:
	xorl	%ebx, %ebx
	jecxz	2f
1:	imull	$0x1040, %ebx, %edi
	andl	$POOL_MASK & ~0x3f, %edi
	movd	%ebx, %xmm0
	pshufd	$0, %xmm0, %xmm0
	movq	%xmm0, POOL(%edi)
	movups	%xmm0, POOL+16(%edi)
	incl	%ebx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

# sum: add up the first count dwords of the pool.
op_sum:	movl	$POOL, %esi
	jmp	sum

# smp: pio on both vCPUs at once, the second one 8 ports higher; the sum of what
# both read. Each call starts the second vCPU anew; it halts for good when done.
op_smp:	movl	%ecx, ap_count
	movl	$0, ap_done
	movl	$ap_start, %esi
	movl	$AP_START, %edi
	movl	$ap_start_end - ap_start, %ecx
	rep	movsb
	movl	$0x000c4500, 0xfee00300	# INIT to all but us
	movl	$0x000c4600 | AP_START >> 12, 0xfee00300 # startup
	movl	ap_count, %ecx
	call	op_pio
1:	pause
	cmpl	$0, ap_done
	je	1b
	addl	ap_sum, %eax
	ret

# uart: count bytes out to and in from COM1's scratch register, which is QEMU's; the
# sum of what was read.
op_uart:
	xorl	%ebx, %ebx
	jecxz	2f
	movl	$COM1_SCRATCH, %edx
1:	movl	%ecx, %eax
	outb	%al, %dx
	xorl	%eax, %eax
	inb	%dx, %al
	addl	%eax, %ebx
	decl	%ecx
	jnz	1b
2:	movl	%ebx, %eax
	ret

	.code16
ap_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmp	$0x08, $ap_main
ap_start_end:
	.code32
ap_main:
	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$AP_STACK, %esp
	movl	ap_count, %ecx
	movl	$PORT_SCRATCH + 8, %edx
	call	pio
	movl	%eax, ap_sum
	movl	$1, ap_done
1:	cli
	hlt
	jmp	1b

	.balign 4
ap_count: .long	0
ap_sum:	.long	0
ap_done: .long	0

timer:	pushl	%eax
	movb	$0x20, %al
	outb	%al, $0x20
	popl	%eax
	iretl

	.balign 8
idt:	.fill	8, 8, 0
	.word	timer, 0x08, 0x8e00, 0	# vector 8: where the BIOS put the timer
idt_pointer:
	.word	idt_pointer - idt - 1
	.long	idt

msg_up:	.asciz	"iotrace guest: up\n"
msg_end: .asciz	"iotrace guest: end\n"
	.balign 512
image_end:
