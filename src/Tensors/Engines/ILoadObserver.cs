using Loadline.Tensors.Memory;

namespace Loadline.Tensors.Engines;

/// <summary>Watches a load from inside, so that a peak is read while it stands and not 5 ms later.</summary>
internal interface ILoadObserver
{
    /// <summary>Watches nothing.</summary>
    static ILoadObserver None { get; } = new Nobody();

    /// <summary>A phase begins: open, skeleton, read, copy, assign or verify.</summary>
    void Phase(string name);

    /// <summary>A tensor's memory is about to be filled, copied or read back: what dies now dies there. Of several threads the last one counts.</summary>
    void Touches(string tensor);

    /// <summary>Memory was taken, on the host or on an accelerator.</summary>
    void Allocated(Storage storage);

    /// <summary><c>auto</c> has chosen a strategy.</summary>
    void Chose(string strategy);

    /// <summary>Memory is about to be returned: a count that is at a new high must be read now.</summary>
    void BeforeRelease(Storage storage);

    private sealed class Nobody : ILoadObserver
    {
        public void Phase(string name)
        {
        }

        public void Touches(string tensor)
        {
        }

        public void Allocated(Storage storage)
        {
        }

        public void Chose(string strategy)
        {
        }

        public void BeforeRelease(Storage storage)
        {
        }
    }
}
