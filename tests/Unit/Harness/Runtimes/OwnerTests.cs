using System.Diagnostics;
using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Runtimes;

public sealed class OwnerTests
{
    [Fact]
    public void It_reads_back_what_it_writes() => Owner.TryParse(Owner.Self.ToString()).Should().Be(Owner.Self);

    [Fact]
    public void It_fits_a_directory_name_in_which_dashes_separate() => Owner.Self.ToString().Should().MatchRegex("^[0-9a-f]{32}\\.[0-9]+\\.[0-9]+\\.[0-9]+$");

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("boot.1.2")]
    [InlineData("boot.1.two.3")]
    [InlineData("boot.1.2.-3")]
    public void Anything_else_is_no_owner(string? text) => Owner.TryParse(text).Should().BeNull();

    [Fact]
    public void This_process_lives() => Owner.Self.Lives.Should().BeTrue();

    [Fact]
    public void Another_process_under_the_same_id_is_not_the_owner() => (Owner.Self with { StartTicks = 1 }).Lives.Should().BeFalse();

    [Fact]
    public async Task A_process_that_has_ended_does_not_live()
    {
        using var process = Process.Start("sleep", "1000");
        var owner = Owner.Of(process.Id)!;
        owner.Lives.Should().BeTrue();

        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        owner.Lives.Should().BeFalse();
    }

    [Fact]
    public void Of_another_boot_or_namespace_nothing_is_known()
    {
        (Owner.Self with { Boot = "another" }).Lives.Should().BeNull();
        (Owner.Self with { PidNamespace = "1" }).Lives.Should().BeNull();
    }
}
