# What a recorder needs to know of kmed.ko, as of any driver: see package
# record/driver for the form. struct kmed has the domain at 0, the server at 2, the
# ioreq page's gfn at 8.
driver  kmed
module  kmed
page    kmed_map_foreign count=arg1:u32 dom=arg2:u16 page=ret[8]
unpage  kmed_unmap_foreign page=arg0[8]
# The first argument is the domain on Linux before 5.12, a structure since then; the
# last is always what the handler is given.
bind    bind_interdomain_evtchn_to_irqhandler_lateeoi dom=arg5[0]:u16 port=arg1:u32 irq=ret:u32 handler=kmed_irq@arg2
unbind  unbind_from_irqhandler irq=arg0:u32
request kmed_irq irq=arg0:u32
answer  notify_remote_via_irq irq=arg0:u32
call?   kmed_create_server create_ioreq_server dom=arg0[0]:u16 bufmode=0 id=arg0[2]:u16
call?   kmed_server_info get_ioreq_server_info dom=arg0[0]:u16 server=arg0[2]:u16 flags=0 gfn=arg0[8] bufport=0 bufgfn=0
call    kmed_io_range map_io_range dom=arg0[0]:u16 server=arg0[2]:u16 space=arg1:u32 first=arg2 last=arg3 if=arg4:u8
call    kmed_io_range unmap_io_range dom=arg0[0]:u16 server=arg0[2]:u16 space=arg1:u32 first=arg2 last=arg3 unless=arg4:u8
call    kmed_claim map_mem_type dom=arg0[0]:u16 server=arg0[2]:u16 type=ioreq_server flags=write if=arg1:u32
call    kmed_claim map_mem_type dom=arg0[0]:u16 server=arg0[2]:u16 type=ioreq_server flags=0 unless=arg1:u32
call    kmed_enable set_ioreq_server_state dom=arg0[0]:u16 server=arg0[2]:u16 enabled=arg1:u8
call    kmed_set_mem_type set_mem_type dom=arg0[0]:u16 type=arg1:u16 first=arg2 nr=1
call    kmed_track_add set_mem_type dom=arg0[0]:u16 type=ioreq_server first=arg1 nr=1 errors=squashed
call    kmed_track_remove set_mem_type dom=arg0[0]:u16 type=ram_rw first=arg1 nr=1 errors=squashed
call?   kmed_destroy_server destroy_ioreq_server dom=arg0[0]:u16 server=arg0[2]:u16
# What stands in for these where the compiler has inlined them, as with XenGT: struct
# instance has struct kmed at 48.
call?   kmed_instance_create|kmed_create_server create_ioreq_server dom=arg0:u16 bufmode=0 id=ret[48][2]:u16 errors=pointer
call?   kmed_instance_create|kmed_create_server get_ioreq_server_info dom=arg0:u16 server=ret[48][2]:u16 flags=0 gfn=ret[48][8] bufport=0 bufgfn=0 errors=pointer
call?   kmed_instance_create|kmed_create_server map_io_range dom=arg0:u16 server=ret[48][2]:u16 space=pci first=0xf0 last=0xf0 errors=pointer
call?   kmed_instance_create|kmed_create_server map_mem_type dom=arg0:u16 server=ret[48][2]:u16 type=ioreq_server flags=write errors=pointer
call?   kmed_instance_create|kmed_create_server set_ioreq_server_state dom=arg0:u16 server=ret[48][2]:u16 enabled=1 errors=pointer
call?   kmed_instance_destroy|kmed_destroy_server destroy_ioreq_server dom=arg0[48][0]:u16 server=arg0[48][2]:u16 if=arg0[48][2]:u16 errors=none
