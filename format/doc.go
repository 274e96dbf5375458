// Package format reads and writes iotrace files.
package format
