package xen

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// ioctlArgs has each argument beside its bytes, written by hand from Linux's
// uapi layouts.
var ioctlArgs = []struct {
	name   string
	arg    interface{ Append([]byte) []byte }
	decode func([]byte) (any, error)
	bytes  string
}{
	{
		"privcmd_hypercall", HypercallArg{Op: HyperEventChannel, Arg: [5]uint64{5, 0x1122334455667788, 3, 4, 9}},
		func(b []byte) (any, error) { return DecodeHypercallArg(b) },
		"2000000000000000 0500000000000000 8877665544332211 0300000000000000 0400000000000000 0900000000000000",
	},
	{
		"privcmd_dm_op", DMOpArg{Dom: 3, Num: 2, Bufs: 0x7f0011223344},
		func(b []byte) (any, error) { return DecodeDMOpArg(b) },
		"0300 0200 00000000 44332211007f0000",
	},
	{
		"privcmd_dm_op_buf", DMOpBuf{Addr: 0x1000, Size: 32},
		func(b []byte) (any, error) { return DecodeDMOpBuf(b) },
		"0010000000000000 2000000000000000",
	},
	{
		"privcmd_mmapbatch_v2", MmapBatch{Num: 1, Dom: 3, Addr: 0x1000, GFNs: 0x2000, Errs: 0x3000},
		func(b []byte) (any, error) { return DecodeMmapBatch(b) },
		"01000000 0300 0000 0010000000000000 0020000000000000 0030000000000000",
	},
	{
		"ioctl_evtchn_bind_interdomain", BindArg{RemoteDom: 3, RemotePort: 9},
		func(b []byte) (any, error) { return DecodeBindArg(b) },
		"03000000 09000000",
	},
}

func TestIoctlArguments(t *testing.T) {
	for _, c := range ioctlArgs {
		want, err := hex.DecodeString(strings.ReplaceAll(c.bytes, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.arg.Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%s: encoded as %x, want %x", c.name, got, want)
		}
		if got, err := c.decode(want); err != nil || !reflect.DeepEqual(got, any(c.arg)) {
			t.Errorf("%s: decoded as %+v, %v, want %+v", c.name, got, err, c.arg)
		}
		var short *SizeError
		if _, err := c.decode(want[1:]); !errors.As(err, &short) || short.What != c.name || short.Want != len(want) {
			t.Errorf("%s, a byte short: got %v", c.name, err)
		}
	}
}
