package xen

import (
	"encoding/json"
	"fmt"
	"testing"
)

// TestNumbers holds the constants against public/xen.h, memory.h, hvm_op.h,
// dm_op.h, hvm/ioreq.h and event_channel.h, by number and name.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		got  fmt.Stringer
		n    uint64
		want string
	}{
		{HyperMMUUpdate, 1, "mmu_update"}, {HyperPlatformOp, 7, "platform_op"}, {HyperXSMOp, 27, "xsm_op"},
		{HyperKexecOp, 37, "kexec_op"}, {HyperTmemOp, 38, "tmem_op"}, {HyperHypfsOp, 42, "hypfs_op"}, {HyperMemoryOp, 12, "memory_op"}, {HyperMulticall, 13, "multicall"},
		{HyperXenVersion, 17, "xen_version"}, {HyperGrantTableOp, 20, "grant_table_op"}, {HyperMMUExtOp, 26, "mmuext_op"},
		{HyperSchedOp, 29, "sched_op"}, {HyperEventChannel, 32, "event_channel_op"}, {HyperPhysdevOp, 33, "physdev_op"},
		{HyperHVMOp, 34, "hvm_op"}, {HyperSysctl, 35, "sysctl"}, {HyperDomctl, 36, "domctl"}, {HyperDMOp, 41, "dm_op"},
		{Hypercall(99), 99, "hypercall99"},
		{MemDecreaseReservation, 1, "decrease_reservation"}, {MemPopulatePhysmap, 6, "populate_physmap"},
		{MemAddToPhysmap, 7, "add_to_physmap"}, {MemMaximumGPFN, 14, "maximum_gpfn"},
		{MemRemoveFromPhysmap, 15, "remove_from_physmap"}, {MemAddToPhysmapBatch, 23, "add_to_physmap_batch"},
		{MemAcquireResource, 28, "acquire_resource"}, {MemoryOp(2), 2, "memory_op2"},
		{MemRAMRW, 0, "ram_rw"}, {MemRAMRO, 1, "ram_ro"}, {MemMMIODM, 2, "mmio_dm"}, {MemUnused, 3, "unused"},
		{MemIOReqServer, 4, "ioreq_server"}, {MemType(5), 5, "memtype5"},
		{TypePIO, 0, "pio"}, {TypeCopy, 1, "copy"}, {TypePCIConfig, 2, "pci_config"}, {TypeTimeOffset, 7, "timeoffset"},
		{TypeInvalidate, 8, "invalidate"}, {IOReqType(3), 3, "type3"},
		{StateNone, 0, "none"}, {StateReady, 1, "ready"}, {StateInProcess, 2, "inprocess"}, {StateRespReady, 3, "resp_ready"},
		{State(4), 4, "state4"}, {DirWrite, 0, "write"}, {DirRead, 1, "read"},
		{SpacePort, 0, "port"}, {SpaceMemory, 1, "memory"}, {SpacePCI, 2, "pci"}, {Space(3), 3, "space3"},
		{ResourceIOReqServer, 0, "ioreq_server"}, {ResourceGrantTable, 1, "grant_table"}, {ResourceVMTrace, 2, "vmtrace"},
		{EPerm, 1, "EPERM"}, {ENoEnt, 2, "ENOENT"}, {ESrch, 3, "ESRCH"}, {EIO, 5, "EIO"}, {E2Big, 7, "E2BIG"},
		{EAgain, 11, "EAGAIN"}, {ENoMem, 12, "ENOMEM"}, {EAcces, 13, "EACCES"}, {EFault, 14, "EFAULT"}, {EBusy, 16, "EBUSY"},
		{EExist, 17, "EEXIST"}, {EInval, 22, "EINVAL"}, {ENoTTY, 25, "ENOTTY"}, {ENoSpc, 28, "ENOSPC"}, {ENoSys, 38, "ENOSYS"},
		{ENoData, 61, "ENODATA"}, {EIlSeq, 84, "EILSEQ"}, {ERestart, 85, "ERESTART"}, {EOpNotSupp, 95, "EOPNOTSUPP"},
		{ServerID(7), 7, "7"}, {NoServer, 0xffff, "?"},
	} {
		if n := fmt.Sprintf("%d", c.got); c.got.String() != c.want || n != fmt.Sprint(c.n) {
			t.Errorf("%v has number %s, want %s, %d", c.got, n, c.want, c.n)
		}
	}
	if BufOff != 0 || BufLegacy != 1 || BufAtomic != 2 || NoGFNs != 1 || AccessRead != 1 || AccessWrite != 2 {
		t.Error("flags of dm_ops")
	}
	if DomSelf != 0x7ff0 || DomInvalid != 0x7ff4 {
		t.Error("reserved domains")
	}
}

// TestServerIDInJSON writes and reads every id.
func TestServerIDInJSON(t *testing.T) {
	for n := range 1 << 16 {
		b, err := json.Marshal(ServerID(n))
		back := ServerID(1)
		if err != nil || json.Unmarshal(b, &back) != nil || back != ServerID(n) {
			t.Fatalf("%d: %s, %v, read as %d", n, b, err, back)
		}
	}
	var s ServerID
	if b, _ := json.Marshal(NoServer); string(b) != "null" || json.Unmarshal([]byte("65536"), &s) == nil || json.Unmarshal([]byte(`"1"`), &s) == nil {
		t.Errorf("%s, %d", b, s)
	}
}
