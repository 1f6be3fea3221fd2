using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>Handles of a checkpoint's files, opened when they are asked for and kept while there are not too many. Any number of threads may use them.</summary>
/// <param name="open">Opens a file by its path, or throws.</param>
internal sealed class OpenFiles(Func<string, SafeFileHandle> open) : IDisposable
{
    // A folder of one file per tensor may have more files than the process may have descriptors.
    private const int MaxOpenFiles = 64;

    private readonly Dictionary<string, SafeFileHandle> _handles = [];
    private readonly Queue<string> _oldestFirst = [];
    private bool _disposed;

    /// <summary>Takes over a handle.</summary>
    public void Keep(string path, SafeFileHandle handle)
    {
        lock (_handles)
        {
            if (_handles.Count == MaxOpenFiles && _handles.Remove(_oldestFirst.Dequeue(), out var oldest)) oldest.Dispose();
            _handles.Add(path, handle);
            _oldestFirst.Enqueue(path);
        }
    }

    /// <summary>
    /// Lends a handle, which is given back with <see cref="System.Runtime.InteropServices.SafeHandle.DangerousRelease"/>. SAFETY: the reference is taken
    /// under the lock, so that another thread's eviction cannot close the handle before that.
    /// </summary>
    public SafeFileHandle Rent(string path)
    {
        lock (_handles)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_handles.TryGetValue(path, out var handle)) Keep(path, handle = open(path));
            var added = false;
            handle.DangerousAddRef(ref added);
            return handle;
        }
    }

    /// <summary>Uses a file's handle.</summary>
    public T With<T>(string path, Func<SafeFileHandle, T> use)
    {
        var handle = Rent(path);
        try
        {
            return use(handle);
        }
        finally
        {
            handle.DangerousRelease();
        }
    }

    /// <summary>Does something with every handle that is open now; others wait meanwhile.</summary>
    public void ForEach(Action<SafeFileHandle> use)
    {
        lock (_handles)
        {
            foreach (var handle in _handles.Values) use(handle);
        }
    }

    public void Dispose()
    {
        lock (_handles)
        {
            _disposed = true;
            foreach (var handle in _handles.Values) handle.Dispose();
            _handles.Clear();
        }
    }
}
