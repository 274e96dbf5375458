package diff

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// legacyParams are the HVM params that name frames for the pages of the one device
// model that a domain once had.
var legacyParams = []engine.Param{{Index: engine.ParamIOReqPFN, Value: 0xfeffd}, {Index: engine.ParamBufIOReqPFN, Value: 0xfeffb}}

// params are those by which the toolstack sets frames aside for the pages of ioreq
// servers. Only a domain with a device model of the toolstack's has more than the first.
var params = map[Kind][]engine.Param{
	PVH: legacyParams,
	HVM: append([]engine.Param{{Index: engine.ParamIOReqPages, Value: 0xfeff0}, {Index: engine.ParamNrIOReqPages, Value: 8}}, legacyParams...),
}

// setParams does what the toolstack does when it builds a domain.
func setParams(d *engine.Domain, kind Kind) error {
	for _, p := range params[kind] {
		p.Set = true
		if _, err := d.Step(engine.Op{Kind: engine.OpParam, Param: p}); err != nil {
			return err
		}
	}
	return nil
}

// mapGFNs notes that a device model has mapped a server's pages where
// get_ioreq_server_info says that the guest has them: if nobody has mapped them yet,
// and the guest has them still.
func (m *Model) mapGFNs(s Step, after xen.DMOp) {
	info, ok := after.DecodeBody().(xen.GetIOReqServerInfo)
	if _, known := m.mapped[info.ID]; !ok || known || info.Flags&xen.NoGFNs != 0 {
		return
	}
	if m.domain.Page(info.IOReqGFN) == 1<<engine.P2MRAMRW {
		m.mapped[info.ID] = pages{ring: info.BufReqGFN != 0, slots: true, dm: s.DeviceModel(), gfns: true}
	}
}

// hasGFNs says whether scripts map pages at the guest's frames: where there are enough.
func (g *generator) hasGFNs() bool { return g.script.Kind == HVM }

// mapPages has a device model map the pages of a server that was not enabled yet.
func (g *generator) mapPages(id uint64, ring bool) Step {
	if g.hasGFNs() && g.rarely(5) {
		return NewStep(Info, Set{"id": id, "flags": 0, argDM.name: g.deviceModel()})
	}
	return g.acquirePages(id, ring)
}

// takeOver has a device model map the pages of a server that another one served. Those
// at the guest's frames are there only while the server is disabled.
func (g *generator) takeOver(id uint64, p pages) []Step {
	if !p.gfns {
		return []Step{g.acquirePages(id, p.ring)}
	}
	return []Step{
		NewStep(State, Set{"id": id}),
		NewStep(Info, Set{"id": id, "flags": 0, argDM.name: g.deviceModel()}),
		NewStep(State, Set{"id": id, "enabled": 1}),
	}
}

// hush disables the servers that nobody serves: a vCPU that has to tell all servers of
// pages that have left could not go on.
func (g *generator) hush() (steps []Step) {
	for id, s := range g.model.domain.Snapshot().Servers {
		if s.Enabled == engine.Yes && !g.model.mapped[xen.ServerID(id)].slots {
			steps = append(steps, NewStep(State, Set{"id": uint64(id)}))
		}
	}
	return steps
}

func (g *generator) acquirePages(id uint64, ring bool) Step {
	s := Set{"id": id, "frame": xen.ResourceFrameSync, argDM.name: g.deviceModel()}
	if ring {
		s["frame"], s["nr"] = xen.ResourceFrameBuf, 2
	}
	return NewStep(Acquire, s)
}

func (g *generator) deviceModel() uint64 { return uint64(g.rand.IntN(DeviceModels)) }
