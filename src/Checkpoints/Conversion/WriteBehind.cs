namespace Loadline.Checkpoints.Conversion;

/// <summary>
/// Two buffers before a <see cref="CheckpointWriter"/>: one is filled while another thread writes the other, so that making and writing overlap.
/// Memory is bounded by the two.
/// </summary>
public sealed class WriteBehind(CheckpointWriter writer, int bufferBytes) : IDisposable
{
    private byte[] _filling = new byte[bufferBytes];
    private byte[] _writing = new byte[bufferBytes];
    private int _filled;
    private Task _write = Task.CompletedTask;

    /// <summary>Room for the next bytes of the tensors. They count once <see cref="Advance"/> is called.</summary>
    /// <param name="bytes">At most the size of a buffer.</param>
    /// <exception cref="IOException">What was handed over before could not be written.</exception>
    public Span<byte> GetSpan(int bytes)
    {
        if (bytes > _filling.Length - _filled) HandOver();
        return _filling.AsSpan(_filled, bytes);
    }

    /// <summary>Bytes of the room were filled.</summary>
    public void Advance(int bytes) => _filled += bytes;

    /// <summary>Waits until everything is with the writer, which may then be committed.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Complete()
    {
        HandOver();
        _write.GetAwaiter().GetResult();
    }

    /// <summary>Waits for the other thread, after which the writer may be disposed. What it failed with is no longer of interest.</summary>
    public void Dispose() => _write.ContinueWith(_ => { }, TaskScheduler.Default).Wait();

    private void HandOver()
    {
        _write.GetAwaiter().GetResult();
        (_filling, _writing) = (_writing, _filling);
        var bytes = _writing.AsMemory(0, _filled);
        _write = Task.Run(() => writer.Write(bytes.Span));
        _filled = 0;
    }
}
