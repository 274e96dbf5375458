// Package control is the way into a running capture: a unix socket for each, in
// a directory of its own, named by the process: /run/iotrace/1234.sock.
//
// A Server answers requests, Ask makes one, Running lists the captures that
// there are. The protocol is one JSON object on a line for the request and one
// for the answer, then the connection ends:
//
//	{"version":1,"verb":"mark","args":{"text":"before the resume"}}
//	{"version":1,"ok":true,"result":{"seq":4711}}
//	{"version":1,"ok":false,"error":"unknown verb \"dumb\"; this capture knows dump, mark, status, top"}
//
// A line has at most MaxLine bytes, a connection a few seconds, and a server
// serves a few connections at a time. Only root and the user whose capture it is
// are served, by what the kernel says about the peer.
package control
