# SPDX-License-Identifier: MIT
"""Usage: pyinotify_drain.py PARENT COUNT: fills an inotify queue with COUNT events in a new
directory of PARENT's, and prints how many nanoseconds per event pyinotify takes to drain it."""
import os
import shutil
import sys
import tempfile
import time

import pyinotify


class Counter(pyinotify.ProcessEvent):
	"""Empty, as far as the base class allows: it prints each event when nothing is defined."""

	def process_default(self, event):
		pass


def fill(directory, renames):
	names = [os.path.join(directory, "changed-%05u.txt" % i) for i in range(renames)]
	os.mknod(names[0])
	for i in range(renames):
		os.rename(names[i], names[(i + 1) % renames])


def drain(directory, count):
	manager = pyinotify.WatchManager()
	notifier = pyinotify.Notifier(manager, Counter(), timeout=0)
	manager.add_watch(directory, pyinotify.IN_MOVED_FROM | pyinotify.IN_MOVED_TO)
	fill(directory, count // 2)
	start = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
	while notifier.check_events():
		notifier.read_events()
		notifier.process_events()
	taken = time.clock_gettime_ns(time.CLOCK_MONOTONIC) - start
	notifier.stop()
	return taken / count


def main():
	directory = tempfile.mkdtemp(dir=sys.argv[1])
	try:
		print(drain(directory, int(sys.argv[2])))
	finally:
		shutil.rmtree(directory)


main()
