namespace Loadline.Reading;

/// <summary>
/// Takes what is in the slots of a ring onto a device. Whoever is lent a slot makes it ready, fills it, hands it over and returns it at once: with a device
/// that copies by itself, slots go up while others are filled.
/// </summary>
internal abstract class SlotUploads : IDisposable
{
    /// <summary>Makes a slot ready to be filled: what was in it before is on the device when this returns.</summary>
    public abstract void Ready(int slot);

    /// <summary>Begins to take a slot's contents up.</summary>
    public abstract void Start(int slot, IReadOnlyList<SlotPiece> pieces);

    /// <summary>Waits until everything is on the device.</summary>
    public abstract void Finish();

    public virtual void Dispose()
    {
    }
}

/// <summary>Uploads that are over when they were started: onto a simulated accelerator.</summary>
internal sealed class ImmediateUploads(Ring ring) : SlotUploads
{
    public override void Ready(int slot)
    {
    }

    public override void Start(int slot, IReadOnlyList<SlotPiece> pieces)
    {
        foreach (var (piece, position) in pieces) piece.Target.Write(piece.Offset, ring.Slot(slot, ring.SlotBytes).Slice(position, piece.Bytes));
    }

    public override void Finish()
    {
    }
}
