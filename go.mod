module github.com/iotrace-xen/iotrace

go 1.25.0
