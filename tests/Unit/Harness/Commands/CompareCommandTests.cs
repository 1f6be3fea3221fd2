using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Commands;

public sealed class CompareCommandTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task A_regression_is_exit_code_1_with_a_table_and_a_sentence()
    {
        (await CompareAsync(Measured.File(Measured.Loaded("a"), Measured.Killed("b")), Measured.File(Measured.Loaded("a", peakMib: 104), Measured.Killed("b")))).Should().Be(1);

        _loadline.Out.ReplaceLineEndings("\n").Should().Be("""
            case  change       base    head  delta  budget  headroom
            a     regressed      72     104  +32.0      80       -24
            b     same       killed  killed
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
        await CompareAsync(Measured.File(Measured.Loaded("a|b")), Measured.File(Measured.Loaded("a|b", peakMib: 104)), "--summary");

        _loadline.Out.Should().StartWith("### 1 regressed\n\n❌ streamed of gpt2-medium").And.Contain(@"| ❌ | a\|b | regressed | 72 | 104 | +32.0 | 80 | -24 |");
    }

    [Fact]
    public async Task In_GitHub_Actions_it_goes_to_the_jobs_summary_with_an_annotation()
    {
        _loadline.InActions = true;

        (await CompareAsync(Measured.File(Measured.Loaded("a")), Measured.File(Measured.Loaded("a", peakMib: 104)))).Should().Be(1);

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
