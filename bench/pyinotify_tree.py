#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Watches a tree and says so: pyinotify_tree.py pyinotify|watchdog PATH."""

import signal
import sys

MODULE, PATH = sys.argv[1:3]

if MODULE == "pyinotify":
    import pyinotify

    MASK = (pyinotify.IN_CREATE | pyinotify.IN_DELETE | pyinotify.IN_MOVED_FROM | pyinotify.IN_MOVED_TO
            | pyinotify.IN_MODIFY | pyinotify.IN_ATTRIB | pyinotify.IN_CLOSE_WRITE)
    manager = pyinotify.WatchManager()
    pyinotify.Notifier(manager)
    manager.add_watch(PATH, MASK, rec=True, auto_add=True)
else:
    import watchdog.events
    import watchdog.observers

    observer = watchdog.observers.Observer()
    observer.schedule(watchdog.events.FileSystemEventHandler(), PATH, recursive=True)
    observer.daemon = True
    observer.start()
    # on_thread_start() of the emitter adds the watches, in start().

print("ready", flush=True)
signal.pause()
