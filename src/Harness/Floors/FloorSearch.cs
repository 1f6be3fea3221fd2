namespace Loadline.Harness.Floors;

/// <summary>
/// Finds the lowest cap at which a load survives, to 1 MiB. Close to it survival is a matter of luck: pages that a disk is still filling cannot be
/// reclaimed, and how many there are at the worst moment differs from run to run. So the floor lies above every cap at which a load did not survive,
/// and must have been survived <see cref="NeededInARow"/> times.
/// </summary>
/// <param name="survives">Runs one load under a cap.</param>
/// <param name="leastBytes">The lowest cap to try.</param>
/// <param name="mostBytes">A cap that was survived.</param>
internal sealed class FloorSearch(Func<long, Task<bool>> survives, long leastBytes, long mostBytes)
{
    /// <summary>What a floor must have shown. A cap that lets half of all loads live passes for one once in eight times, and then lies 1 MiB low.</summary>
    public const int NeededInARow = 3;

    private const long StepBytes = ByteSize.MiB;

    private readonly SortedDictionary<long, int> _survivals = new() { [mostBytes] = 1 };
    private long _deadBytes = leastBytes - StepBytes;

    private long AliveBytes => _survivals.Keys.First();

    /// <summary>Searches from a guess on, first in steps that double, then by bisection.</summary>
    /// <returns>The floor, or null where not even the highest cap is survived every time.</returns>
    public async Task<long?> FindAsync(long guessBytes)
    {
        var cap = Math.Clamp(RoundUp(guessBytes), leastBytes, mostBytes);
        var reachBytes = 2 * StepBytes;
        while (true)
        {
            if (await survives(cap))
            {
                _survivals[cap] = _survivals.GetValueOrDefault(cap) + 1;
                cap = Math.Max(AliveBytes - reachBytes, MiddleBytes());
            }
            else
            {
                Bury(cap);
                if (_survivals.Count == 0) return null;
                cap = Math.Min(_deadBytes + reachBytes, MiddleBytes());
            }

            reachBytes *= 2;
            if (AliveBytes - _deadBytes > StepBytes) continue;
            if (_survivals[AliveBytes] >= NeededInARow) return AliveBytes;
            cap = AliveBytes;
            reachBytes = StepBytes;
        }
    }

    private static long RoundUp(long bytes) => (bytes + StepBytes - 1) / StepBytes * StepBytes;

    // Whatever survived a lower cap was lucky.
    private void Bury(long capBytes)
    {
        _deadBytes = capBytes;
        foreach (var lucky in _survivals.Keys.Where(c => c <= capBytes).ToList()) _survivals.Remove(lucky);
    }

    private long MiddleBytes() => _deadBytes + (AliveBytes - _deadBytes) / 2 / StepBytes * StepBytes;
}
