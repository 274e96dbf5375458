# XenGT, Intel's mediated passthrough driver, in its three generations.
#
# Read in the drivers' sources, never run: it takes a GPU that XenGT drives. Offsets
# are those of x86-64 kernels without CONFIG_DEBUG_KOBJECT_RELEASE. Lines with "?"
# name static functions, which a compiler may have inlined; where such a function
# has a substitute, that is global or reached through a pointer, and always there.

# XCP-ng 8.x and intel/gvt-linux: a module beside i915, one claim for all pages.
# handle is struct xengt_hvm_dev: vm_id at 0, on_destroy at 80, iosrv_id at 120. It is
# at 48 of struct intel_vgpu from Linux 4.19 on, without lock debugging.
driver  xengt-gvt
module  xengt
page    xen_remap_domain_mfn_range_in_kernel count=arg1:u32 dom=arg2:u16 page=ret[8]
unpage  xen_unmap_domain_mfn_range_in_kernel page=arg0[8]
bind    bind_interdomain_evtchn_to_irqhandler dom=arg0:u16 port=arg1:u32 irq=ret:u32 handler=xengt_io_req_handler@arg2
unbind  unbind_from_irqhandler irq=arg0:u32
request xengt_io_req_handler irq=arg0:u32
answer  notify_remote_via_irq irq=arg0:u32
call?   xen_hvm_create_iorequest_server create_ioreq_server dom=arg0[0]:u16 bufmode=0 id=arg0[120]:u16
call?   xen_hvm_get_ioreq_pfn get_ioreq_server_info dom=arg0[0]:u16 server=arg0[120]:u16 flags=0 gfn=arg1[0] bufport=0 bufgfn=0
call?   xen_hvm_destroy_iorequest_server destroy_ioreq_server dom=arg0[0]:u16 server=arg0[120]:u16
call?   xen_hvm_toggle_iorequest_server set_ioreq_server_state dom=arg0[0]:u16 server=arg0[120]:u16 enabled=arg1:u8
call?   hvm_claim_ioreq_server_type map_mem_type dom=arg0[0]:u16 server=arg0[120]:u16 type=ioreq_server flags=write if=arg1:u32
call?   hvm_claim_ioreq_server_type map_mem_type dom=arg0[0]:u16 server=arg0[120]:u16 type=ioreq_server flags=0 unless=arg1:u32
call?   xen_hvm_map_pcidev_to_ioreq_server map_io_range dom=arg0[0]:u16 server=arg0[120]:u16 space=pci first=arg1 last=arg1
call?   xen_hvm_map_io_range_to_ioreq_server map_io_range dom=arg0[0]:u16 server=arg0[120]:u16 space=arg1:u32 first=arg2 last=arg3 if=arg4:u32
call?   xen_hvm_map_io_range_to_ioreq_server unmap_io_range dom=arg0[0]:u16 server=arg0[120]:u16 space=arg1:u32 first=arg2 last=arg3 unless=arg4:u32
call    xengt_set_trap_area|xen_hvm_map_io_range_to_ioreq_server map_io_range dom=arg0[0]:u16 server=arg0[120]:u16 space=memory first=arg1 last=arg2 if=arg3:u8
call    xengt_set_trap_area|xen_hvm_map_io_range_to_ioreq_server unmap_io_range dom=arg0[0]:u16 server=arg0[120]:u16 space=memory first=arg1 last=arg2 unless=arg3:u8
# An instance's setup in one, known when it is done; its PCI function is 00:02.0. Where
# these stand in, turning it off and on by sysfs is not seen.
call?   xengt_instance_create|xen_hvm_create_iorequest_server create_ioreq_server dom=arg0:u16 bufmode=0 id=ret[48][120]:u16 errors=pointer
call?   xengt_instance_create|xen_hvm_get_ioreq_pfn get_ioreq_server_info dom=arg0:u16 server=ret[48][120]:u16 flags=0 errors=pointer
call?   xengt_instance_create|xen_hvm_map_pcidev_to_ioreq_server map_io_range dom=arg0:u16 server=ret[48][120]:u16 space=pci first=0x10 last=0x10 errors=pointer
call?   xengt_instance_create|hvm_claim_ioreq_server_type map_mem_type dom=arg0:u16 server=ret[48][120]:u16 type=ioreq_server flags=write errors=pointer
call?   xengt_instance_create|xen_hvm_toggle_iorequest_server set_ioreq_server_state dom=arg0:u16 server=ret[48][120]:u16 enabled=1 errors=pointer
call?   xengt_instance_destroy|xen_hvm_destroy_iorequest_server destroy_ioreq_server dom=arg0[48][0]:u16 server=arg0[48][120]:u16 if=arg0[48][120]:u16 errors=none
call?   xen_hvm_set_mem_type set_mem_type dom=arg0:u16 type=arg1:u16 first=arg2 nr=arg3
call    xengt_page_track_add|xen_hvm_set_mem_type set_mem_type dom=arg0[0]:u16 type=ioreq_server first=arg1 nr=1 unless=arg0[80]:u32 errors=squashed
call    xengt_page_track_remove|xen_hvm_set_mem_type set_mem_type dom=arg0[0]:u16 type=ram_rw first=arg1 nr=1 unless=arg0[80]:u32 errors=squashed
call    xengt_inject_msi inject_msi dom=arg0[0]:u16 addr=arg1:u32 data=arg2:u16

# XenServer 7.x and intel's own kernels of 2014 to 2017, before and after hvm_op
# became dm_op: a claim for each page, by a range and mem type mmio_write_dm (3).
# vgt, the handle, is struct vgt_device, whose layout is private: the domain is
# known by handle once a channel is bound, and calls before that name none. Nor is
# the server's id known: requests are recorded without it, ranges without arguments.
driver  xengt-kdm
module  xengt
page    xen_remap_domain_mfn_range_in_kernel count=arg1:u32 dom=arg2:u16 page=ret[8]
unpage  xen_unmap_domain_mfn_range_in_kernel page=arg0[8]
bind    bind_interdomain_evtchn_to_irqhandler dom=arg0:u16 port=arg1:u32 irq=ret:u32 handler=vgt_hvm_io_req_handler@arg2 handle=arg5
unbind  unbind_from_irqhandler irq=arg0:u32
request vgt_hvm_io_req_handler irq=arg0:u32
answer  notify_remote_via_irq irq=arg0:u32
call?   hvm_set_mem_type set_mem_type handle=arg0 type=arg1:u16 first=arg2 nr=1
call?   hvm_map_io_range_to_ioreq_server map_io_range handle=arg0 space=arg1:u32 first=arg2 last=arg3 if=arg4:u32
call?   hvm_map_io_range_to_ioreq_server unmap_io_range handle=arg0 space=arg1:u32 first=arg2 last=arg3 unless=arg4:u32
