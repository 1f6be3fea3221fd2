using Loadline.Cuda;
using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Loading;

/// <summary>
/// Uploads onto a GPU: the ring is pinned, copies run behind the readers' backs on queues of their own, and a mark behind each slot's copies says when it
/// may be filled again. Nobody waits for a copy unless all slots are in use.
/// </summary>
internal sealed unsafe class CudaUploads : SlotUploads
{
    // Of two queues the one has a copy ready when the other's ends; a bus carries one at a time.
    private const int Streams = 2;

    private readonly Ring _ring;
    private readonly CudaDevice _gpu;
    private readonly List<nint> _streams = [];
    private readonly List<nint> _marks = [];
    private bool _pinned;

    public CudaUploads(Ring ring, CudaDevice gpu)
    {
        (_ring, _gpu) = (ring, gpu);
        try
        {
            gpu.Pin(ring.Pointer, (long)ring.Slots * ring.SlotBytes);
            _pinned = true;
            for (var i = 0; i < Streams; i++) _streams.Add(gpu.CreateStream());
            for (var slot = 0; slot < ring.Slots; slot++) _marks.Add(gpu.CreateEvent());
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override void WaitFor(int slot) => _gpu.WaitFor(_marks[slot]);

    public override void Start(int slot, IReadOnlyList<SlotPiece> pieces)
    {
        var start = _ring.Pointer + (long)slot * _ring.SlotBytes;
        var copies = new HostCopy[pieces.Count];
        for (var i = 0; i < copies.Length; i++)
        {
            var (piece, position) = pieces[i];
            var target = (CudaStorage)piece.Target;
            copies[i] = new HostCopy(target.AddressOf(piece.Offset, piece.Bytes), start + position, piece.Bytes);
            target.Filled(piece.Bytes);
        }

        _gpu.StartCopies(copies, _streams[slot % Streams], _marks[slot]);
    }

    public override void Finish() => _streams.ForEach(_gpu.Drain);

    // SAFETY: no copy reads the ring any more when its pages are unlocked and, after that, freed: also not those of a load that failed.
    public override void Dispose()
    {
        _streams.ForEach(_gpu.DrainToRelease);
        _marks.ForEach(_gpu.DestroyEvent);
        _streams.ForEach(_gpu.DestroyStream);
        if (_pinned) _gpu.Unpin(_ring.Pointer);
        _pinned = false;
        _marks.Clear();
        _streams.Clear();
    }
}
