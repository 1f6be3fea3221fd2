namespace Loadline.Checkpoints.Writing;

/// <summary>Cuts the stream of bytes into the tensors declared; formats only see whole tensors begin, grow and end.</summary>
internal abstract class StreamedWriter(IReadOnlyList<TensorDeclaration> tensors) : IDisposable
{
    private int _current = -1;
    private long _left;
    private bool _committed;
    private bool _disposed;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Require(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var count = (int)Math.Min(bytes.Length, _left);
            Append(bytes[..count]);
            Advance(count);
            bytes = bytes[count..];
        }
    }

    public void WriteHole(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Require(bytes);
        while (bytes > 0)
        {
            var count = Math.Min(bytes, _left);
            AppendHole(count);
            Advance(count);
            bytes -= count;
        }
    }

    /// <param name="prove">Refuses the complete files before they get their names.</param>
    public void Commit(Action prove)
    {
        Require(0);
        if (_current < tensors.Count) throw new InvalidOperationException($"tensor '{tensors[_current].Name}' still lacks {_left} bytes");
        Complete();
        prove();
        Publish();
        _committed = true;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (!_committed) Abandon();
    }

    /// <summary>Begins the first tensor; called once the format has written its header.</summary>
    protected void Start() => MoveOn();

    protected abstract void Begin(int index);

    protected abstract void Append(ReadOnlySpan<byte> bytes);

    protected abstract void AppendHole(long bytes);

    protected abstract void End();

    /// <summary>Ends and syncs what was written.</summary>
    protected abstract void Complete();

    /// <summary>Moves it under the final name.</summary>
    protected abstract void Publish();

    /// <summary>Removes what was written.</summary>
    protected abstract void Abandon();

    private void Require(long bytes)
    {
        ObjectDisposedException.ThrowIf(_disposed || _committed, this);
        // Checked as a whole, so that the error comes before anything is written.
        var room = _left;
        for (var i = _current + 1; room < bytes && i < tensors.Count; i++) room += tensors[i].SharesWith is null ? tensors[i].ByteCount : 0;
        if (room < bytes) throw new InvalidOperationException($"{bytes} bytes are more than the {room} that the declared tensors still take");
    }

    private void Advance(long bytes)
    {
        _left -= bytes;
        if (_left > 0) return;
        End();
        MoveOn();
    }

    private void MoveOn()
    {
        while (++_current < tensors.Count)
        {
            if (tensors[_current].SharesWith is not null) continue;
            Begin(_current);
            _left = tensors[_current].ByteCount;
            if (_left > 0) return;
            End();
        }
    }
}
