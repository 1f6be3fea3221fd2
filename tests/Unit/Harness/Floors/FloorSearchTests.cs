using Loadline.Harness.Floors;

namespace Loadline.Unit.Harness.Floors;

public class FloorSearchTests
{
    private const long MiB = ByteSize.MiB;

    private readonly List<long> _probes = [];

    [Theory]
    [InlineData(74, 73)]
    [InlineData(40, 73)]
    [InlineData(3000, 73)]
    [InlineData(73, 73)]
    [InlineData(74, 1000)]
    [InlineData(74, 24_000)]
    [InlineData(74, 33)]
    public async Task Whatever_the_guess_the_floor_is_found(long guessMib, long floorMib)
    {
        (await FindAsync(guessMib, cap => cap >= floorMib)).Should().Be(floorMib);

        _probes.Count(cap => cap == floorMib).Should().BeGreaterThanOrEqualTo(FloorSearch.NeededInARow - (floorMib == 24_000 ? 1 : 0));
        _probes.Should().OnlyContain(cap => cap >= 32 && cap <= 24_000).And.HaveCountLessThan(40);
    }

    [Fact]
    public async Task A_good_guess_takes_few_probes()
    {
        await FindAsync(74, cap => cap >= 73);

        _probes.Should().Equal(74, 72, 73, 73, 73);
    }

    [Fact]
    public async Task The_search_ends_at_the_lowest_cap() => (await FindAsync(74, _ => true)).Should().Be(32);

    [Fact]
    public async Task A_cap_that_was_survived_by_luck_is_none()
    {
        var lucky = true;

        // 72 and 73 let one load live, and then none.
        var floor = await FindAsync(74, cap => cap >= 74 || (cap >= 72 && (lucky = !lucky) == false));

        floor.Should().Be(74);
    }

    [Fact]
    public async Task Of_what_dies_at_each_third_run_of_any_cap_the_search_ends_at_the_highest()
    {
        var runs = new Dictionary<long, int>();

        var floor = await FindAsync(74, cap => (runs[cap] = runs.GetValueOrDefault(cap) + 1) % 3 != 0);

        floor.Should().Be(24_000, "it had held once before");
        _probes.Should().HaveCountLessThan(150);
    }

    [Fact]
    public async Task A_kill_above_a_survival_moves_the_floor_above_the_kill()
    {
        // 72 is survived always; 76 once killed.
        var killed = false;
        var floor = await FindAsync(76, cap => cap >= 72 && (cap != 76 || killed || !(killed = true)));

        floor.Should().Be(77);
    }

    [Fact]
    public async Task Where_not_even_the_highest_cap_is_survived_twice_there_is_no_floor() =>
        (await FindAsync(74, _ => false)).Should().BeNull();

    private async Task<long?> FindAsync(long guessMib, Func<long, bool> survives)
    {
        var search = new FloorSearch(
            cap =>
            {
                (cap % MiB).Should().Be(0);
                _probes.Add(cap / MiB);
                return Task.FromResult(survives(cap / MiB));
            },
            32 * MiB,
            24_000 * MiB);
        return await search.FindAsync(guessMib * MiB - 100) / MiB;
    }
}
