package replay

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

func TestDbg(t *testing.T) {
	seed, _ := strconv.Atoi(os.Getenv("SEED"))
	at, _ := strconv.Atoi(os.Getenv("AT"))
	w := newWorld(t, uint64(seed), 2, 2)
	w.live(400)
	_, vs := w.replay(t)
	m := map[uint64]Verdict{}
	for _, v := range vs {
		m[v.Event] = v
	}
	for _, e := range w.events[:at+6] {
		v := m[e.Seq]
		fmt.Printf("%s   => %s %s\n", format.AppendText(nil, e), v.Kind, v.Why)
	}
}
