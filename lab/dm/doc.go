// Package dm writes device models: programs in dom0 that own ioreq servers of an
// HVM domain and serve its requests. It speaks to Xen through the ioctls of
// /dev/xen/privcmd and /dev/xen/evtchn alone, without Xen's libraries, so what a
// recorder sees of it is exactly what is written here.
//
// A Conn is one process's connection to one domain; it may own several servers.
// Every hypercall, every request served and every buffered entry consumed goes
// to the Conn's Log, in order: the log is the ground truth that a recorded
// session is compared with. Nothing here is safe for concurrent use; requests
// are taken one at a time with Next.
//
// Xen panics when a guest touches a range of a server that is enabled but whose
// pages were never allocated. Server.Enable therefore refuses until Acquire has
// succeeded, and no other call here enables a server but Call, which makes any
// dm_op as it stands, for device models that break rules on purpose.
package dm
