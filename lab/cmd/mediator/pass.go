package main

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"

	"github.com/iotrace-xen/iotrace/lab/dm"
)

// socketPair returns two connected sockets.
func socketPair() (a, b *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket pair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket"), nil
}

// sendDevices sends open devices and what they are for, in one message.
func sendDevices(socket *os.File, h dm.Heritage, privcmd, evtchn *os.File) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	rights := syscall.UnixRights(int(privcmd.Fd()), int(evtchn.Fd()))
	if err := syscall.Sendmsg(int(socket.Fd()), b, rights, nil, 0); err != nil {
		return fmt.Errorf("pass the devices on: %w", err)
	}
	return nil
}

// receiveDevices is the other end of sendDevices.
func receiveDevices(socket *os.File) (h dm.Heritage, privcmd, evtchn *os.File, err error) {
	b, rights := make([]byte, 1<<16), make([]byte, 1<<10)
	n, nr, _, _, err := syscall.Recvmsg(int(socket.Fd()), b, rights, 0)
	if err != nil {
		return h, nil, nil, fmt.Errorf("receive the devices: %w", err)
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:nr])
	if err != nil || len(messages) != 1 {
		return h, nil, nil, fmt.Errorf("receive the devices: want one control message, got %d, %v", len(messages), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 2 {
		return h, nil, nil, fmt.Errorf("receive the devices: want two descriptors, got %d, %v", len(fds), err)
	}
	err = json.Unmarshal(b[:n], &h)
	return h, os.NewFile(uintptr(fds[0]), "privcmd"), os.NewFile(uintptr(fds[1]), "evtchn"), err
}
