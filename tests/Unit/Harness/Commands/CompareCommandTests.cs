using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Commands;

public sealed class CompareCommandTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task A_regression_is_exit_code_1_with_a_table_and_a_sentence()
    {
        var before = Measured.File(Measured.Loaded("a", budget: "120MiB"), Measured.Killed("b"));
        (await CompareAsync(before, Measured.File(Measured.Loaded("a", peakMib: 104, budget: "120MiB"), Measured.Killed("b")))).Should().Be(1);

        _loadline.Out.ReplaceLineEndings("\n").Should().Be("""
            case  change     base MiB  head MiB  delta MiB  budget MiB  headroom MiB
            a     regressed        72       104      +32.0         120            16
            b     same         killed    killed
            streamed of gpt2-medium on sim:4GiB took 104 MiB of anonymous memory in phase read, 32 MiB more than the 72 MiB before; the noise is 512 KiB
            1 regressed, 1 same

            """);
    }

    [Fact]
    public async Task Improvements_are_exit_code_0()
    {
        (await CompareAsync(Measured.File(Measured.Loaded()), Measured.File(Measured.Loaded(peakMib: 40)))).Should().Be(0);

        _loadline.Out.Should().EndWith("0 regressed, 1 improved\n");
    }

    [Theory]
    [InlineData("streamed", "64MiB", 0, "is another case now, which takes no more: ring none became 64MiB")]
    [InlineData("streamed", "96MiB", 1, "'a' is another case now (ring none became 96MiB): its budget grew by 40 MiB, from 80 MiB to 120 MiB; its anonymous memory grew by 32 MiB, from 72 MiB to 104 MiB")]
    public async Task A_case_that_was_altered_is_no_way_around_the_gate(string strategy, string ring, int exitCode, string sentence)
    {
        var more = exitCode == 1;
        var head = Measured.Loaded("a", peakMib: more ? 104 : 72, budget: more ? "120MiB" : "80MiB") with { Strategy = strategy, Ring = ring };

        (await CompareAsync(Measured.File(Measured.Loaded("a")), Measured.File(head))).Should().Be(exitCode);

        _loadline.Out.Should().Contain(sentence);
    }

    [Fact]
    public async Task Nothing_in_common_is_no_comparison()
    {
        (await CompareAsync(Measured.File(Measured.Loaded("a")), Measured.File(Measured.Loaded("b")))).Should().Be(2);

        _loadline.Error.Should().Be("loadline: base and head have no case in common: 1 and 1 cases, and nothing to compare\n");
    }

    [Fact]
    public async Task A_run_that_did_not_end_or_measured_nothing_is_refused()
    {
        (await CompareAsync(Measured.File(Measured.Loaded("a")), Measured.File(Measured.Loaded("a")) with { Incomplete = "interrupted" })).Should().Be(2);
        _loadline.Error.Should().EndWith("head.json: the run ended before its last case (interrupted): run it again\n");

        (await CompareAsync(Measured.File(), Measured.File(Measured.Loaded("a")))).Should().Be(2);
        _loadline.Error.Should().EndWith("base.json: holds no case: nothing was measured\n");
    }

    [Fact]
    public async Task Different_modes_are_exit_code_2_and_one_line()
    {
        var head = Measured.File(Measured.Loaded()) with { Environment = Measured.Environment with { CgroupVersion = 2 } };

        (await CompareAsync(Measured.File(Measured.Loaded()), head)).Should().Be(2);

        _loadline.Error.Should().Be("loadline: base and head were measured in different modes and cannot be compared: cgroup version 1 and 2\n");
    }

    [Fact]
    public async Task The_summary_is_markdown()
    {
        await CompareAsync(Measured.File(Measured.Loaded("a|b", budget: "120MiB")), Measured.File(Measured.Loaded("a|b", peakMib: 104, budget: "120MiB")), "--summary");

        _loadline.Out.Should().StartWith("### 1 regressed\n\n❌ streamed of gpt2-medium").And.Contain(@"| ❌ | a\|b | regressed | 72 | 104 | +32.0 | 120 | 16 |");
    }

    [Fact]
    public async Task In_GitHub_Actions_it_goes_to_the_jobs_summary_with_an_annotation()
    {
        _loadline.InActions = true;

        (await CompareAsync(Measured.File(Measured.Loaded("a", budget: "120MiB")), Measured.File(Measured.Loaded("a", peakMib: 104, budget: "120MiB")))).Should().Be(1);

        File.ReadAllText(_loadline.Summary).Should().StartWith("### 1 regressed\n");
        _loadline.Out.Split('\n').Should().ContainSingle(l => l.StartsWith("::error title=a::streamed of gpt2-medium on sim:4GiB took 104 MiB"));
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_exit_code_2()
    {
        (await _loadline.RunAsync("compare", "/none/a.json", "/none/b.json")).Should().Be(2);

        _loadline.Error.Should().Be("loadline: /none/a.json: there is no such file; `loadline run --results FILE` writes one\n");
    }

    private Task<int> CompareAsync(ResultFile before, ResultFile after, params string[] options)
    {
        before.Write(_loadline.Folder["base.json"]);
        after.Write(_loadline.Folder["head.json"]);
        return _loadline.RunAsync(["compare", _loadline.Folder["base.json"], _loadline.Folder["head.json"], .. options]);
    }
}
