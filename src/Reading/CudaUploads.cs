using Loadline.Cuda;
using Loadline.Tensors.Engines;

namespace Loadline.Reading;

/// <summary>
/// Uploads onto a GPU: copies run behind the readers' backs on queues of their own, and a mark behind each slot's copies says when it may be filled again.
/// Nobody waits for a copy unless all slots are in use. A slot is pinned by whoever fills it first: that takes the driver a while,
/// and readers do it beside each other's reads.
/// </summary>
internal sealed unsafe class CudaUploads : SlotUploads
{
    // Of two queues the one has a copy ready when the other's ends; a bus carries one at a time.
    private const int Streams = 2;

    private readonly Ring _ring;
    private readonly CudaDevice _gpu;
    private readonly List<nint> _streams = [];

    // By slot; null and false until it is filled for the first time. Only who was lent a slot looks at its own.
    private readonly nint?[] _marks;
    private readonly bool[] _pinned;

    public CudaUploads(Ring ring, CudaDevice gpu)
    {
        (_ring, _gpu) = (ring, gpu);
        (_marks, _pinned) = (new nint?[ring.Slots], new bool[ring.Slots]);
        try
        {
            for (var i = 0; i < Streams; i++) _streams.Add(gpu.CreateStream());
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override void Ready(int slot)
    {
        if (_marks[slot] is { } mark)
        {
            _gpu.WaitFor(mark);
            return;
        }

        if (!_pinned[slot]) _gpu.Pin(PointerTo(slot), _ring.SlotBytes);
        _pinned[slot] = true;
        _marks[slot] = _gpu.CreateEvent();
    }

    public override void Start(int slot, IReadOnlyList<SlotPiece> pieces)
    {
        var start = PointerTo(slot);
        var copies = new HostCopy[pieces.Count];
        for (var i = 0; i < copies.Length; i++)
        {
            var (piece, position) = pieces[i];
            var target = (CudaStorage)piece.Target;
            copies[i] = new HostCopy(target.AddressOf(piece.Offset, piece.Bytes), start + position, piece.Bytes);
            target.Filled(piece.Bytes);
        }

        _gpu.StartCopies(copies, _streams[slot % Streams], _marks[slot]!.Value);
    }

    public override void Finish() => _streams.ForEach(_gpu.Drain);

    // SAFETY: no copy reads the ring any more when its pages are unlocked and, after that, freed: also not those of a load that failed.
    public override void Dispose()
    {
        _streams.ForEach(_gpu.DrainToRelease);
        for (var slot = 0; slot < _ring.Slots; slot++)
        {
            if (_marks[slot] is { } mark) _gpu.DestroyEvent(mark);
            if (_pinned[slot]) _gpu.Unpin(PointerTo(slot));
        }

        _streams.ForEach(_gpu.DestroyStream);
        _streams.Clear();
        Array.Clear(_marks);
        Array.Clear(_pinned);
    }

    // SAFETY: inside the ring, which outlives this.
    private byte* PointerTo(int slot) => _ring.Pointer + (long)slot * _ring.SlotBytes;
}
