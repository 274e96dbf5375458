// Package arch holds one test, which enforces the architecture: who may import
// whom, which outside libraries each package may use, and how large functions
// and files may grow. Each failure says what to do instead. ARCHITECTURE.md
// has the reasons.
package arch
