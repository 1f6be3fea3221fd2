namespace Loadline.Harness.Floors;

/// <summary>
/// Finds the lowest cap at which something holds: that a load survives, or that it is at ease. Close to it that is a matter of luck: pages
/// that a disk is still filling cannot be reclaimed, and how many there are at the worst moment differs from run to run. So the cap that is
/// found lies above every cap at which it did not hold, and must have held <see cref="NeededInARow"/> times.
/// </summary>
/// <param name="holds">Runs one load under a cap.</param>
/// <param name="leastBytes">The lowest cap to try.</param>
/// <param name="mostBytes">A cap at which it held.</param>
/// <param name="stepBytes">How finely is searched; the others are multiples of it.</param>
internal sealed class FloorSearch(Func<long, Task<bool>> holds, long leastBytes, long mostBytes, long stepBytes = ByteSize.MiB)
{
    /// <summary>
    /// What a floor must have shown. A cap that lets half of all loads live passes for one once in eight times, and then lies 1 MiB low.
    /// </summary>
    public const int NeededInARow = 3;

    // Of a cap that had held: close to the floor that happens.
    private const int ExpectedLosses = 6;
    private const int MostDoublings = 20;

    private readonly SortedDictionary<long, int> _held = new() { [mostBytes] = 1 };
    private long _deadBytes = leastBytes - stepBytes;

    private long AliveBytes => _held.Keys.First();

    /// <summary>Takes in what an earlier run has shown.</summary>
    public void Note(long capBytes, bool held)
    {
        if (!held) Bury(capBytes);
        else if (capBytes > _deadBytes) _held[capBytes] = _held.GetValueOrDefault(capBytes) + 1;
    }

    /// <summary>Searches from a guess on, first in steps that double, then by bisection.</summary>
    /// <returns>The lowest cap, or null where it does not hold every time at the highest either.</returns>
    public async Task<long?> FindAsync(long guessBytes)
    {
        var (cap, reachBytes, lost) = (RoundUp(guessBytes), 2 * stepBytes, 0);
        while (_held.Count > 0)
        {
            var confirms = false;
            // What dies here and there at any cap is searched ever more coarsely, and ends after some dozens of runs.
            var grainBytes = stepBytes << Math.Clamp(lost - ExpectedLosses, 0, MostDoublings);
            if (AliveBytes - _deadBytes <= grainBytes)
            {
                if (_held[AliveBytes] >= NeededInARow) return AliveBytes;
                (cap, reachBytes, confirms) = (AliveBytes, grainBytes, true);
            }

            cap = Math.Clamp(cap, _deadBytes + stepBytes, AliveBytes);
            var held = await holds(cap);
            Note(cap, held);
            if (confirms && !held) lost++;
            if (_held.Count > 0)
                cap = held ? Math.Max(AliveBytes - reachBytes, MiddleBytes()) : Math.Min(_deadBytes + reachBytes, MiddleBytes());
            reachBytes *= 2;
        }

        return null;
    }

    private long RoundUp(long bytes) => (bytes + stepBytes - 1) / stepBytes * stepBytes;

    // Whatever held at a lower cap was lucky.
    private void Bury(long capBytes)
    {
        _deadBytes = Math.Max(_deadBytes, capBytes);
        foreach (var lucky in _held.Keys.Where(c => c <= capBytes).ToList()) _held.Remove(lucky);
    }

    private long MiddleBytes() => _deadBytes + (AliveBytes - _deadBytes) / 2 / stepBytes * stepBytes;
}
