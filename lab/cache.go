package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// cacheEnv names the variable that overrides where images are kept.
const cacheEnv = "IOTRACE_LAB_CACHE"

// imageFormat changes when the build's code changes what an image holds in a
// way that the inputs of imageKey do not show.
const imageFormat = "1"

// CacheDir returns the directory that holds built images: IOTRACE_LAB_CACHE, or
// iotrace-lab in the user's cache directory.
func CacheDir() (string, error) {
	if d := os.Getenv(cacheEnv); d != "" {
		return filepath.Abs(d)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("image cache: %w; set %s to a directory", err, cacheEnv)
	}
	return filepath.Join(base, "iotrace-lab"), nil
}

// imageKey hashes everything that decides what a release's image holds. Parts
// are length-prefixed, so moving a byte from one to the next changes the key.
func imageKey(r Release, mirror string) string {
	h := sha256.New()
	parts := []string{imageFormat, r.Xen, r.Suite, mirror, initramfsInit}
	parts = append(parts, r.packages()...)
	parts = append(parts, rootExcludes...)
	parts = append(parts, bootModules...)
	parts = append(parts, r.moduleParts()...)
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return r.Name + "-" + hex.EncodeToString(h.Sum(nil))[:12]
}

// cached returns dir/key, filling it with build if it does not exist. build gets
// an empty directory that is renamed to dir/key when it returns nil, so a
// directory that exists is complete. Of several processes one builds, the others
// wait.
func cached(dir, key string, build func(tmp string) error) (string, error) {
	final := filepath.Join(dir, key)
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(final + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(final); err == nil {
		return final, nil // built while we waited for the lock
	}
	// We hold the lock, so whatever an earlier build left behind is dead.
	tmp := final + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return "", err
	}
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return "", err
	}
	if err := build(tmp); err != nil {
		return "", err
	}
	return final, os.Rename(tmp, final)
}

// lockFile takes an exclusive lock that ends with the returned function or with
// the process.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("%s: lock: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}
