package engine

import "github.com/iotrace-xen/iotrace/xen"

// slotState is what is known of one slot of a synchronous page.
type slotState uint8

const (
	slotUnseen    slotState = iota // no request of which the answer is due was seen
	slotReady                      // Xen sent a request
	slotInProcess                  // and has since seen INPROCESS
)

// slot returns the slot of a vCPU in a server's page, nil if there is none.
func (d *Domain) slot(id xen.ServerID, v xen.VCPU) *slotState {
	if p := d.place(id); p != noPlace && v < xen.SlotsPerPage {
		return &d.slots[p][v]
	}
	return nil
}

// send notes a request in the slot of a vCPU.
func (d *Domain) send(to place, v xen.VCPU) {
	if to >= 0 && v < xen.SlotsPerPage {
		d.slots[to][v] = slotReady
	}
}

// sent says whether a request of a vCPU is in a slot and has no answer.
func (d *Domain) sent(to place, v xen.VCPU) bool {
	return v < xen.SlotsPerPage && d.slots[to][v] != slotUnseen
}

// answer is wait_for_io as it meets what a device model left in a slot and then
// notified.
func (d *Domain) answer(a *Answer, e *Effect) {
	slot := d.slot(a.Server, a.VCPU)
	switch {
	case slot == nil:
		e.Slot = Slot{Kind: SlotUnknown, Why: "no such slot"}
	case *slot == slotUnseen:
		e.Slot = Slot{Kind: SlotUnknown, Why: "no request was seen in the slot"}
	default:
		e.Slot, *slot = transit(a.State)
	}
}

// transit is the slot's state machine: what Xen makes of what the device model left.
// A state that went backwards is none to Xen. A vCPU that waits begins wait_for_io
// anew each time that it is woken, and has forgotten what it saw before; only if the
// state changes while Xen looks at it does it see the step back and crash the domain.
func transit(now xen.State) (Slot, slotState) {
	switch now {
	case xen.StateRespReady:
		return Slot{Kind: SlotLegal, Why: "answered"}, slotUnseen
	case xen.StateNone:
		return Slot{Kind: SlotDeath, Why: "Xen takes the device model for dead and the answer for all ones"}, slotUnseen
	case xen.StateInProcess:
		return Slot{Kind: SlotLegal, Why: "taken up; Xen goes on waiting"}, slotInProcess
	case xen.StateReady:
		return Slot{Kind: SlotLegal, Why: "not taken up; Xen goes on waiting"}, slotReady
	}
	return Slot{Kind: SlotIllegal, Why: "no such state: Xen crashes the domain"}, slotUnseen
}
