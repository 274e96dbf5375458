package engine

// reply is a request that was answered and that the vCPU has yet to make again (struct
// vcpu_io: req in state STATE_IORESP_READY). Whatever next asks hvmemul_do_io gets it.
type reply struct {
	due    bool
	access Access
	count  uint32 // repetitions that were sent
	data   uint64
}

// answers says whether the reply is one to an access.
func (r *reply) answers(a *Access) bool {
	to := &r.access
	return a.Type == to.Type && a.Dir == to.Dir && a.Addr == to.Addr && a.Size == to.Size && a.Count >= r.count &&
		a.DF == to.DF && !a.DataIsPtr
}

// collect gives an access the reply that is due. If it is another than the one that was
// answered, for types of pages have changed and the instruction begins anew in another
// way, or has ended in RAM, Xen crashes the domain.
func (x *Execution) collect(a *Access) (data uint64, reps uint32, got rc) {
	r := x.reply
	x.reply = reply{}
	if !r.answers(a) {
		return 0, 0, x.end(DomainCrash, whyReissue)
	}
	return r.data, r.count, okay
}

const whyReissue = "the vCPU's next access is another than the one that was answered"

// Unread says whether an answer is left that no access has taken, because the
// instruction has ended without making its request again. The vCPU's next access that
// leaves it then crashes the domain, unless it is the same one. If the vCPU is scheduled
// anew before, Xen forgets the answer (handle_hvm_io_completion; seen on 4.14, 4.17): its
// next instruction takes a new Execution.
func (x *Execution) Unread() bool { return x.reply.due }

// whyStuck: closing the channel on which the vCPU waits does not wake it. So it makes
// no difference that from 4.13 on its completion would find nothing pending and go on
// (f7039ee41b; seen on 4.17).
const whyStuck = "the server was destroyed with the request in flight"
