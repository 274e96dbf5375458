// Package driver describes device models inside dom0's kernel to a recorder: which
// functions of a module to hook, what each is, and where its arguments are. A
// profile is data, so a driver that nobody has heard of needs no new code.
//
// # The text form
//
// A file holds any number of profiles. Each begins with a driver line; the lines
// that follow are its own, one a function or call. "#" starts a comment.
//
//	driver  NAME
//	module  NAME
//	bind    SYMBOL dom=.. port=.. irq=.. [server=..] [handler=FUNCTION@..] [handle=..]
//	unbind  SYMBOL irq=..
//	page    SYMBOL dom=.. page=.. [server=..] [count=..] [handle=..]
//	unpage  SYMBOL page=..
//	request SYMBOL irq=..
//	answer  SYMBOL irq=..
//	call    SYMBOL DM_OP dom=..|handle=.. FIELD=.. ... [if=..] [unless=..] [errors=squashed]
//
// bind binds an event channel of a domain (dom, and its port there) to an irq.
// handler=FUNCTION@arg2 tells the driver's channels from those of others if SYMBOL is
// the kernel's: only those count for which that argument is that function of the
// module. page maps the page of slots of an ioreq server: the first one of a server,
// or of a domain if bind and page lines tell no servers; count is how many pages are
// mapped, and only 1 counts. request is called when Xen
// has put a request into a slot, answer when the driver has answered one.
//
// A call line says that the function makes one dm_op, or several if there are
// several lines, in their order. It is made only if the value of if is not 0 and
// that of unless is. The function's result is the dm_op's, an int that is 0 or a negative
// error; with errors=squashed an error is some error, with errors=pointer the result is a
// pointer, and NULL some error, with errors=none it tells nothing and the dm_op is taken
// to have succeeded. handle is any value by which the
// driver names a domain: it means the dom of the last line that had both.
//
// A "?" behind the first word makes a line optional: the driver is recorded
// without that function if it is not there. "|SYMBOL" behind the symbol makes the line a
// substitute: it is used only if that other function is not there.
//
// # Values
//
//	12, 0x10                a number
//	ioreq_server, memory    a number by its name in Xen's headers
//	arg0 to arg5            an argument; ret, the result
//	arg0[24]                what lies 24 bytes behind where it points to
//	arg0[8][24]             the same, one step further
//	...:u8 :u16 :u32 :u64   its size, u64 unless told
//
// A value that takes the result, and any that an operation returns (id, gfn), is
// looked up when the function returns, all others when it is called.
//
// The package is pure: it reads no file and knows no kernel.
package driver
