package analyze

import (
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// TestKeyFramesAreNotCounted: the copies and the state in a key-frame are no
// events.
func TestKeyFramesAreNotCounted(t *testing.T) {
	req := format.IOReq{Dom: 1, Server: 2, ID: 7}.Event(format.KindIOReq, 5)
	with := summaryOf(
		format.KeyFrame{Count: 3}.Event(1),
		format.StateDomain{Dom: 9}.Event(1),
		format.OpenEvent(req),
		req,
	)
	if want := summaryOf(req); !reflect.DeepEqual(with, want) {
		t.Errorf("%+v, want %+v", with, want)
	}
}
