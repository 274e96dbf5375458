package diff

import "github.com/iotrace-xen/iotrace/xen"

// ownPorts are those of the devices that Xen emulates in an HVM domain, in any release.
// They answer without a request, out of a state that the model has not got: the two
// interrupt controllers, the timer with the speaker's port, and the clock. From maxPort
// on are ACPI's, and the prober's doorbell. In memory such devices are in no hole that
// scripts use. Of the console's port and of 0xcf8 the model knows all.
var ownPorts = [...]struct{ first, last uint64 }{
	{0x20, 0x21}, {0xa0, 0xa1}, {0x4d0, 0x4d1},
	{0x40, 0x43}, {0x61, 0x61},
	{0x70, 0x71},
}

const maxPort = 0x800

// isOwn says whether an access at a port, of 4 bytes at the most, may meet one of these.
func isOwn(port uint64) bool {
	for _, own := range ownPorts {
		if port <= own.last && port+4 > own.first {
			return true
		}
	}
	return port >= maxPort
}

// portNumber is a port of the few that scripts know.
func (g *generator) portNumber() uint64 {
	if port, ok := g.edge(xen.SpacePort, oneOf[uint64](g, 1, 2, 4)); ok && !isOwn(port) && !g.rarely(3) {
		return port
	}
	switch g.rand.IntN(10) {
	case 0:
		return oneOf[uint64](g, 0x80, 0xed, 0x7f, 0xec, 0xee, portConsole)
	case 1, 2:
		return 0xcf4 + uint64(g.rand.IntN(16))
	case 3:
		return oneOf[uint64](g, 0xfff0, 0xfffc, 0xfffd, 0xfffe, 0xffff)
	}
	return 0x100 + uint64(g.rand.IntN(24))
}

// portConsole is that of Xen's console for guests.
const portConsole = 0xe9
