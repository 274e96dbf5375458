package record

import (
	"strconv"
	"strings"
)

// A page pair is what a device model maps of an ioreq server: the buffered page
// and the synchronous one, or the latter alone. Buf is 0 if it is not there.
type pagePair struct{ Buf, Sync uint64 }

// serverPages finds in the text of /proc/PID/maps the mappings of dev that have
// the size of a server's pages: 8 KiB is both, 4 KiB may be the synchronous one.
// Whether they are pages of a server, the probes find out. Those of 8 KiB come
// first: a mediator maps many single pages of the guest, too.
func serverPages(maps, dev string) (pairs []pagePair) {
	const page = 4096
	var single []pagePair
	for line := range strings.Lines(maps) {
		w := strings.Fields(line)
		if len(w) < 6 || w[5] != dev {
			continue
		}
		from, to, _ := strings.Cut(w[0], "-")
		first, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		switch end - first {
		case 2 * page:
			pairs = append(pairs, pagePair{Buf: first, Sync: first + page})
		case page:
			single = append(single, pagePair{Sync: first})
		}
	}
	return append(pairs, single...)
}

// count counts candidates, also those for which the probes' table has no room.
func count(pairs []pagePair) candidates {
	c := candidates{all: len(pairs)}
	for _, p := range pairs {
		if p.Buf != 0 {
			c.pairs++
		}
	}
	return c
}
