"""Values of a recorded forward pass: which tensor is which result, and after which step its memory dies.

A value belongs to a storage. Python drops the last reference to a storage at some moment between two operators; that
moment, written down as "dies after step n", is all that exact forward peaks need."""
import weakref

import torch


class Values:
    def __init__(self, model, inputs):
        self.count = 0
        self.dead = []                 # after the step being recorded: values whose storage has died
        self.of_storage = {}           # storage -> [weak reference, values on it]
        self.by_geometry = {}          # (storage, layout) -> reference
        self.parameters = {id(p): -1 - 2 * i for i, p in enumerate(model.parameters())}
        self.buffers = {id(b): -2 - 2 * i for i, b in enumerate(model.buffers())}
        self.constants = {}            # tensors from outside, such as plain attributes of a module
        self.keep = []
        for tensors, known in ((model.parameters(), self.parameters), (model.buffers(), self.buffers)):
            for tensor in tensors:
                self.by_geometry[self.geometry(tensor)] = known[id(tensor)]
        for tensor in inputs:
            self.add(tensor)

    @staticmethod
    def geometry(tensor):
        storage = tensor.untyped_storage()
        return (storage._cdata, tensor.storage_offset(), tuple(tensor.shape), tensor.stride(), tensor.dtype)

    def _died(self, key):
        def callback(reference):
            entry = self.of_storage.get(key)
            if entry is not None and entry[0] is reference:
                del self.of_storage[key]
                self.dead.extend(entry[1])
                for geometry in entry[2]:
                    self.by_geometry.pop(geometry, None)
        return callback

    def add(self, tensor, detached=False):
        """Gives a result its number."""
        number = self.count
        self.count += 1
        storage = tensor.untyped_storage()
        key = storage._cdata
        entry = self.of_storage.get(key)
        if entry is None or entry[0]() is None:
            entry = self.of_storage[key] = [weakref.ref(storage, self._died(key)), [], []]
        entry[1].append(number)
        tensor._value = number
        if not detached:
            geometry = self.geometry(tensor)
            entry[2].append(geometry)
            self.by_geometry[geometry] = number
        return number

    def reference(self, tensor):
        """Number of a tensor: of a result, or below zero of a parameter (odd) or buffer (even)."""
        if tensor is None:
            return None
        for known in (self.parameters, self.buffers):
            if id(tensor) in known:
                return known[id(tensor)]
        number = getattr(tensor, "_value", None)
        if number is not None:
            return number
        number = self.by_geometry.get(self.geometry(tensor))
        if number is None:
            entry = self.of_storage.get(tensor.untyped_storage()._cdata)
            if entry is not None and entry[0]() is not None:
                return entry[1][-1]
        return number

    def take_dead(self):
        dead, self.dead = self.dead, []
        return dead
