using System.Collections.Concurrent;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Reading;

/// <summary>
/// Host memory of fixed size through which weights reach an accelerator or another dtype, cut into slots. Whoever is lent a slot first touches all of it,
/// and new slots are lent before used ones: what the ring takes does not depend on luck, and readers share the work.
/// </summary>
internal sealed unsafe class Ring : IDisposable
{
    private readonly HostStorage _memory;
    private readonly BlockingCollection<int> _free;
    private int _touched;

    /// <summary>A ring with slots of a size that suits it.</summary>
    /// <param name="engine">Who counts it.</param>
    /// <param name="bytes">All slots.</param>
    /// <param name="isCopiedLater">
    /// Whether what is in a slot may be copied after it was returned: then the slot that has been free the longest is lent next, so that nobody waits for
    /// its copy. Else the latest is, which is still in the processor's cache.
    /// </param>
    public Ring(Engine engine, long bytes, bool isCopiedLater)
        : this(engine, bytes, SlotBytesOf(bytes, isCopiedLater), "ring", isCopiedLater)
    {
    }

    /// <summary>A ring with slots of a given size.</summary>
    public Ring(Engine engine, long bytes, int slotBytes, string use, bool isCopiedLater = false)
    {
        _free = isCopiedLater ? new(new ConcurrentQueue<int>()) : new(new ConcurrentStack<int>());
        _memory = (HostStorage)engine.Allocate(Device.Cpu, bytes);
        _memory.UsedFor(use);
        SlotBytes = slotBytes;
        Slots = (int)(bytes / SlotBytes);
    }

    public int SlotBytes { get; }

    public int Slots { get; }

    /// <summary>The first slot; the others follow. SAFETY: a mapping of its own, on a page, until this is disposed.</summary>
    public byte* Pointer => _memory.Pointer;

    /// <summary>Lends a slot, and waits for one if there is none.</summary>
    public int Take()
    {
        var slot = _touched < Slots ? Interlocked.Increment(ref _touched) - 1 : Slots;
        if (slot >= Slots) return _free.Take();
        Touch(slot);
        return slot;
    }

    public void Return(int slot) => _free.Add(slot);

    public Span<byte> Slot(int slot, int bytes) => _memory.Slice((long)slot * SlotBytes, Math.Min(bytes, SlotBytes));

    public void Dispose()
    {
        _memory.Release();
        _free.Dispose();
    }

    // SAFETY: a slot lies inside the memory, and nobody else has its pages before it is lent.
    private void Touch(int slot)
    {
        var start = Pointer + (long)slot * SlotBytes;
        for (var page = 0; page < SlotBytes; page += Environment.SystemPageSize) Volatile.Write(ref start[page], 0);
    }

    private static int SlotBytesOf(long ringBytes, bool isCopiedLater)
    {
        var (slots, mostBytes) = isCopiedLater ? (ReadSizes.LeastSlotsOfLaterCopies, ReadSizes.LargestSlotBytesOfLaterCopies) : (ReadSizes.LeastSlots, ReadSizes.LargestSlotBytes);
        return (int)Math.Clamp(ringBytes / slots / ReadSizes.SmallestSlotBytes * ReadSizes.SmallestSlotBytes, ReadSizes.SmallestSlotBytes, mostBytes);
    }
}
