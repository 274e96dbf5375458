package diff

import (
	"encoding/binary"

	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// PoolPages is how many of the guest's pages scripts read, write and type.
const PoolPages = 640

// poolStart is the guest physical address of the pool's first byte.
const poolStart = uint64(guest.ProberPool) << xen.PageShift

// inPool says whether n bytes are all in the pool.
func inPool(gpa uint64, n int) bool {
	return gpa >= poolStart && gpa-poolStart+uint64(n) <= PoolPages<<xen.PageShift
}

// RAM is the guest's memory: a domain's, or a model's.
type RAM interface {
	Read(gpa uint64, b []byte)
	Write(gpa uint64, b []byte)
}

// Pool is a domain's pool, mapped. Reads of anything else are zeros, writes go
// nowhere.
type Pool []byte

// Read fills b.
func (p Pool) Read(gpa uint64, b []byte) {
	clear(b)
	if inPool(gpa, len(b)) {
		copy(b, p[gpa-poolStart:])
	}
}

// Write stores b.
func (p Pool) Write(gpa uint64, b []byte) {
	if inPool(gpa, len(b)) {
		copy(p[gpa-poolStart:], b)
	}
}

// Serve is what every device model here does with a request, the nth of its step:
// it answers a read with Value, stores what is written to the pool, and moves the
// data of a string from or to the memory that the request points to. answer is what
// goes into the slot; sum tells the data that was found behind a pointer.
func Serve(q xen.IOReq, n int, ram RAM) (answer, sum uint64) {
	step := uint64(q.Size)
	if q.DF {
		step = -step
	}
	answer = q.Data
	for i := range uint64(q.Count) {
		addr := q.Addr
		if q.Type == xen.TypeCopy {
			addr += i * step
		}
		if q.Dir == xen.DirRead {
			v := Value(addr, n, i)
			if q.DataIsPtr {
				put(ram, q.Data+i*step, q.Size, v)
			} else {
				answer = v
			}
			continue
		}
		v := q.Data
		if q.DataIsPtr {
			v = get(ram, q.Data+i*step, q.Size)
			sum = mix(sum ^ v)
		}
		if q.Type == xen.TypeCopy {
			put(ram, addr, q.Size, v)
		}
	}
	return answer, sum
}

// get reads size bytes, zeros if they are not all in the pool: no more is mapped.
func get(ram RAM, gpa uint64, size uint32) uint64 {
	var b [8]byte
	if inPool(gpa, int(size)) {
		ram.Read(gpa, b[:size])
	}
	return binary.LittleEndian.Uint64(b[:])
}

// put stores the lower bytes of a value, if all of them are in the pool.
func put(ram RAM, gpa uint64, size uint32, v uint64) {
	if inPool(gpa, int(size)) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		ram.Write(gpa, b[:size])
	}
}

// Value is what a device holds at an address for the nth request of a step, in
// its ith repetition.
func Value(addr uint64, n int, i uint64) uint64 {
	return mix(addr ^ uint64(n)<<56 ^ i<<40)
}

// mix scatters (splitmix64's finaliser).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
