using System.Text.Json;
using Loadline.Checkpoints;

namespace Loadline.Unit.Harness.Commands;

/// <summary><c>--include</c>, <c>--exclude</c>, <c>--rename</c> and <c>--strip</c> of every command that has them.</summary>
public sealed class NameOptionsTests : IDisposable
{
    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");

    private readonly FakeHarness _loadline = new(_ => FakeEnd.Loaded(3));

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task Inspect_shows_what_is_chosen_by_its_new_names()
    {
        (await _loadline.RunAsync("inspect", Fixtures.Path("training.pth"), "--strip", "auto", "--rename", "w=weight", "--json")).Should().Be(0);

        var tensors = JsonDocument.Parse(_loadline.Out).RootElement.GetProperty("tensors").EnumerateArray();
        tensors.Select(t => t.GetProperty("name").GetString()).Should().Equal("weight");
    }

    [Fact]
    public async Task Convert_writes_what_is_chosen()
    {
        var target = _loadline.Folder["out.safetensors"];

        (await _loadline.RunAsync("convert", Tiny, target, "--include", "trf_blocks.0.*", "--include", "tok_emb.*,pos_emb.*", "--exclude", "*.mask")).Should().Be(0);

        using var written = Checkpoint.Open(target);
        written.Entries.Should().NotBeEmpty().And.OnlyContain(e => e.Name.StartsWith("trf_blocks.0.") || e.Name.Contains("_emb.")).And.NotContain(e => e.Name.EndsWith(".mask"));
    }

    [Fact]
    public async Task A_plan_counts_only_what_is_chosen()
    {
        (await _loadline.RunAsync("plan", Tiny, "--include", "tok_emb.weight")).Should().Be(0);

        _loadline.Out.Should().StartWith("9.1 KiB in 1 tensors, ");
    }

    [Theory]
    [InlineData("run", "--cap", "1GiB")]
    [InlineData("load", "--cap", "1GiB", "--strategy", "mmap-assign")]
    [InlineData("floor", "--strategy", "mmap-assign")]
    [InlineData("convert", "OUT", "--cap", "1GiB")]
    public async Task Names_go_to_the_worker(string command, params string[] options)
    {
        var arguments = options.Select(o => o == "OUT" ? _loadline.Folder["out.pth"] : o);

        await _loadline.RunAsync([command, Tiny, .. arguments, "--include", "tok_emb.*", "--include", "out_head.*", "--rename", "out_head.*=lm_head.*"]);

        _loadline.Runtime.Specs.Should().NotBeEmpty().And.OnlyContain(s => string.Join(' ', s.Command).Contains(" --include tok_emb.*,out_head.* --rename out_head.*=lm_head.*"));
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("plan")]
    [InlineData("map")]
    [InlineData("load", "--strategy", "streamed", "--cap", "1GiB")]
    [InlineData("run", "--cap", "1GiB")]
    public async Task What_fits_nothing_is_one_line_before_anything_is_run(string command, params string[] options)
    {
        (await _loadline.RunAsync([command, Tiny, .. options, "--include", "encoder.*"])).Should().Be(2);

        _loadline.Error.Should().StartWith($"loadline: {Tiny}: has no tensor whose name fits 'encoder.*', which is to be included: names begin with ").And.Contain("tok_emb")
            .And.Match(error => error.IndexOf('\n') == error.Length - 1);
        _loadline.Runtime.Specs.Should().BeEmpty();
    }

    [Fact]
    public async Task A_rule_that_is_none_is_refused()
    {
        (await _loadline.RunAsync("inspect", Tiny, "--rename", "model.*")).Should().Be(2);
        _loadline.Error.Should().Contain("'model.*' is no rule for names: write OLD=NEW, as in model.*=*");
        (await _loadline.RunAsync("run", "--include", "a.*")).Should().Be(2);
        _loadline.Error.Should().Contain("names of tensors are chosen for a checkpoint");
    }
}
