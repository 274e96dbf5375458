package engine

import "github.com/iotrace-xen/iotrace/xen"

var entryTypeNames = p2mTypeNames[:]

// layOut adds a stretch to the domain's memory.
func (s *script) layOut(a *args) string {
	s.maps = append(s.maps, Mapping{
		First: xen.GFN(a.num("first", 0)), Last: xen.GFN(a.num("last", 0)), Order: uint8(a.num("order", 0)),
		Type: P2MType(a.named("type", 0, entryTypeNames...)),
	})
	if err := s.d.LayOut(s.maps); err != nil {
		s.maps = s.maps[:len(s.maps)-1]
		return err.Error()
	}
	return "ok"
}
