package engine

import "github.com/iotrace-xen/iotrace/xen"

// slotState is what is known of one slot of a synchronous page.
type slotState uint8

const (
	slotUnseen    slotState = iota // no request of which the answer is due was seen
	slotReady                      // Xen sent a request
	slotInProcess                  // and has since seen INPROCESS
)

// send notes a request in the slot of a vCPU.
func (d *Domain) send(id xen.ServerID, v xen.VCPU) {
	if id < maxServers && v < xen.SlotsPerPage {
		d.slots[id][v] = slotReady
	}
}

// answer is wait_for_io as it meets what a device model left in a slot and then
// notified.
func (d *Domain) answer(a *Answer, e *Effect) {
	e.Cost.HC = 1 // EVTCHNOP_send; Cost.EV was counted with the request
	if a.Server >= maxServers || a.VCPU >= xen.SlotsPerPage {
		e.Slot = Slot{Kind: SlotUnknown, Why: "no such slot"}
		return
	}
	slot := &d.slots[a.Server][a.VCPU]
	if *slot == slotUnseen {
		e.Slot = Slot{Kind: SlotUnknown, Why: "no request was seen in the slot"}
		return
	}
	e.Slot, *slot = transit(*slot, a.State)
}

// transit is the slot's state machine, from what Xen saw last to what the
// device model left.
func transit(was slotState, now xen.State) (Slot, slotState) {
	switch now {
	case xen.StateRespReady:
		return Slot{Kind: SlotLegal, Why: "answered"}, slotUnseen
	case xen.StateNone:
		return Slot{Kind: SlotDeath, Why: "Xen takes the device model for dead and the answer for all ones"}, slotUnseen
	case xen.StateInProcess:
		return Slot{Kind: SlotLegal, Why: "taken up; Xen goes on waiting"}, slotInProcess
	case xen.StateReady:
		if was == slotReady {
			return Slot{Kind: SlotLegal, Why: "unchanged; Xen goes on waiting"}, slotReady
		}
		return Slot{Kind: SlotIllegal, Why: "INPROCESS back to READY: Xen crashes the domain"}, slotUnseen
	}
	return Slot{Kind: SlotIllegal, Why: "no such state: Xen crashes the domain"}, slotUnseen
}
