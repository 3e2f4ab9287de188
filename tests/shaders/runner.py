"""Runs calls of kernels again with wgpu-py: another host, another version of the shader compiler, the same shaders.

What rustorch recorded of a call says which shader, over which workgroups, with which parameters and buffers. Buffers that
an earlier call wrote are taken from that call's run here, so that a whole operation is made anew.
"""

import struct

import wgpu


class Runner:
    """wgpu-py's own device."""

    def __init__(self):
        adapters = wgpu.gpu.enumerate_adapters_sync()
        wanted = [a for a in adapters if a.info["backend_type"] != "OpenGL"]
        self.device = (wanted or adapters)[0].request_device_sync()

    def buffer(self, data):
        """A buffer with these bytes."""
        u = wgpu.BufferUsage
        return self.device.create_buffer_with_data(data=data, usage=u.STORAGE | u.COPY_SRC | u.COPY_DST)

    def run(self, calls):
        """Runs calls in order; gives the contents of every buffer afterwards, by its number."""
        written = {}
        for call in calls:
            bound = []
            for number, is_written, data in call["bindings"]:
                buffer = written.get(number)
                # Memory of another size is that of another tensor.
                if buffer is None or buffer.size != len(data):
                    buffer = self.buffer(data)
                if is_written:
                    written[number] = buffer
                bound.append((buffer, is_written))
            if call["params"]:
                bound.append((self.buffer(struct.pack(f"{len(call['params'])}I", *call["params"])), False))
            self.dispatch(call, bound)
        return {number: bytes(self.device.queue.read_buffer(b)) for number, b in written.items()}

    def dispatch(self, call, bound):
        """One call on buffers of ours."""
        kinds = {True: wgpu.BufferBindingType.storage, False: wgpu.BufferBindingType.read_only_storage}
        layout = self.device.create_bind_group_layout(
            entries=[
                {"binding": i, "visibility": wgpu.ShaderStage.COMPUTE, "buffer": {"type": kinds[is_written]}}
                for i, (_, is_written) in enumerate(bound)
            ]
        )
        pipeline = self.device.create_compute_pipeline(
            layout=self.device.create_pipeline_layout(bind_group_layouts=[layout]),
            compute={"module": self.device.create_shader_module(code=call["source"]), "entry_point": "main"},
        )
        entries = [
            {"binding": i, "resource": {"buffer": b, "offset": 0, "size": b.size}} for i, (b, _) in enumerate(bound)
        ]
        encoder = self.device.create_command_encoder()
        compute = encoder.begin_compute_pass()
        compute.set_pipeline(pipeline)
        compute.set_bind_group(0, self.device.create_bind_group(layout=layout, entries=entries))
        compute.dispatch_workgroups(*call["groups"])
        compute.end()
        self.device.queue.submit([encoder.finish()])
