package record

// The flavours of the probes, from one source. The objects are committed, so
// that building iotrace needs no compiler for BPF; the same clang gives the
// same bytes wherever the checkout lies.
//
//go:generate -command bpf2go go tool bpf2go -cc clang-14 -strip llvm-strip-14 -no-global-types -target amd64 -tags linux
//go:generate bpf2go -type rec_head -type rec_process -type rec_port -type rec_slot -type rec_ring_head -type rec_ring -type rec_page -type rec_ioctl -type rec_eventfd -type rec_ret -type rec_mmap -type rec_dmop -type rec_dmop_buf -type rec_hyper -type rec_hook -type server -type ring -type ended_ring -type table -type port -type settings -type changes -type turns -type loss -type share -output-stem fentry fentry bpf/iotrace.bpf.c -- -DFENTRY -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function
//go:generate bpf2go -output-stem kprobe kprobe bpf/iotrace.bpf.c -- -mcpu=v2 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function
//go:generate bpf2go -output-stem perf perf bpf/iotrace.bpf.c -- -DPERF -mcpu=v1 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function

// The probes on drivers' functions, which are kprobes in all flavours.
//
//go:generate bpf2go -type hook -type source -output-stem driverfentry driverFentry bpf/driver.bpf.c -- -DFENTRY -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function
//go:generate bpf2go -output-stem driverkprobe driverKprobe bpf/driver.bpf.c -- -mcpu=v2 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function
//go:generate bpf2go -output-stem driverperf driverPerf bpf/driver.bpf.c -- -DPERF -mcpu=v1 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function
