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
	var with, without Summarizer
	without.Add(req)
	with.Add(format.KeyFrame{Count: 3}.Event(1))
	with.Add(format.StateDomain{Dom: 9}.Event(1))
	with.Add(format.OpenEvent(req))
	with.Add(req)
	if got, want := with.Summary(), without.Summary(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
