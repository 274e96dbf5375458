// Package store keeps the files of a capture.
//
// A File carries an incomplete name, its own with Suffix behind it, until it is
// closed cleanly; so a file under its own name is whole, and what a killed
// capture left behind shows by its name. Nothing that exists is replaced unless
// that is asked for, and then only when the new file is whole. A file ends at
// the end of a block at every moment: a write that fails is taken back.
//
// A File makes sure of its room before it needs it. It reserves the space for a
// block and the closing ahead, where the file system can do that, and keeps
// FileOptions.Reserve bytes of the file system free. When that can be kept up
// no longer, File.Full says so, and what is left of the room is enough to close.
// A killed process leaves up to 8 MiB of such room behind its file's end.
//
// A Writer writes one capture's events: to one file, to a stream, or to a ring
// of files, each of which is a trace in itself. Events are numbered through all
// of them. With Options.Mirror, each file but the first opens with a key-frame,
// and others stand where the mirror wants them; a file then ends at a calm moment
// if there is one within a second.
//
// Dumps writes traces that are whole at once, one file each, and says how many of
// them stay.
//
// No type is safe for concurrent use, and all are silent: what is to be said stands
// in their errors.
package store
