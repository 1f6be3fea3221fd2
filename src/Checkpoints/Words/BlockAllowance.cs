namespace Loadline.Checkpoints;

/// <summary>
/// How many blocks the deflated streams of one checkpoint may have together, at one reading, beyond what writers make of their bytes. A block with tables takes ten
/// microseconds, whatever is in it: as long as some thousand bytes of weights.
/// </summary>
/// <remarks>
/// By one count for all streams: one that is flushed after each few bytes is read, and a million of them are not. What is read to learn what is in a checkpoint has one, and
/// each load, verification and conversion.
/// </remarks>
internal sealed class BlockAllowance
{
    /// <summary>What stands for one block with tables. One without (stored, or by the codes that every reader knows) takes a small part of its time.</summary>
    public const int PerBlock = 16;

    /// <summary>Half a second's work.</summary>
    public const int Blocks = 50_000;

    private long _left = (long)Blocks * PerBlock;

    /// <summary>Takes blocks beyond what their stream's bytes justify, in <see cref="PerBlock"/>ths of one.</summary>
    /// <exception cref="InvalidDataException">There are none left.</exception>
    public void Take(long count)
    {
        if (Interlocked.Add(ref _left, -count) < 0) throw new InvalidDataException("is hardly more than the heads of blocks");
    }
}
