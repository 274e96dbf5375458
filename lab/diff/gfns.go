package diff

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// params are the HVM params by which the toolstack sets frames aside for the pages of
// ioreq servers. Only a domain with a device model of the toolstack's has any.
var params = map[Kind][]engine.Param{
	HVM: {
		{Index: engine.ParamIOReqPages, Value: 0xfeff0}, {Index: engine.ParamNrIOReqPages, Value: 8},
		{Index: engine.ParamIOReqPFN, Value: 0xfeffd}, {Index: engine.ParamBufIOReqPFN, Value: 0xfeffb},
	},
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
		m.mapped[info.ID] = pages{ring: info.BufReqGFN != 0, slots: true, dm: s.DeviceModel()}
	}
}
