namespace Loadline.Unit.Harness.Commands;

public sealed class MisspeltTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Theory]
    [InlineData("rnu", "loadline: there is no command 'rnu': did you mean run?; see `loadline --help`\n")]
    [InlineData("compair", "loadline: there is no command 'compair': did you mean compare?; see `loadline --help`\n")]
    [InlineData("frobnicate", "loadline: there is no command 'frobnicate'; see `loadline --help`\n")]
    public async Task A_command_that_is_none_gets_the_nearest(string word, string line)
    {
        (await _loadline.RunAsync(word)).Should().Be(2);

        _loadline.Error.Should().Be(line);
    }

    [Fact]
    public async Task A_word_that_begins_with_an_at_sign_is_a_file_and_no_file_of_words()
    {
        File.WriteAllText(_loadline.Folder["words"], "--json");

        (await _loadline.RunAsync("inspect", "@" + _loadline.Folder["words"])).Should().Be(2);
        _loadline.Error.Should().EndWith("words: there is no such file or folder\n");
    }

    [Fact]
    public async Task A_ring_that_no_machine_has_is_refused()
    {
        (await _loadline.RunAsync("plan", Fixtures.Path("gpt2-tiny.pth"), "--device", "sim:1GiB", "--ring", "9223372036854775807")).Should().Be(2);

        _loadline.Error.Should().Contain("--ring 9223372036854775807 is too large: the most is 1 TiB");
    }

    [Fact]
    public async Task Nothing_at_all_gets_the_list_of_commands()
    {
        (await _loadline.RunAsync()).Should().Be(0);

        _loadline.Out.Should().Contain("Commands:").And.Contain("  floor ");
    }

    [Theory]
    [InlineData("--cap 1", "--cap 1 is too small: the least is 32 MiB")]
    [InlineData("--cap 64", "--cap 64 is too small: the least is 32 MiB; did you mean 64MiB?")]
    [InlineData("--cap 512m", "--cap '512m' is not a size: did you mean 512MiB?")]
    [InlineData("--cap 2G", "--cap '2G' is not a size: did you mean 2GiB?")]
    [InlineData("--ram much", "--cap 'much' is not a size: write a number and KiB, MiB, GiB or TiB, as in 512MiB")]
    public async Task A_size_in_another_spelling_gets_the_right_one(string option, string problem)
    {
        (await _loadline.RunAsync(["run", "w.pth", .. option.Split(' ')])).Should().Be(2);

        _loadline.Error.Should().Be($"loadline: {problem}; see `loadline run --help`\n");
    }

    [Theory]
    [InlineData("--cap", "512Mi")]
    [InlineData("--ram", "512MiB")]
    public async Task Kubernetes_units_and_the_planners_word_are_taken(string option, string size)
    {
        (await _loadline.RunAsync("run", Fixtures.Path("gpt2-tiny.pth"), option, size, "--strategy", "streamed")).Should().Be(0);

        _loadline.Runtime.Specs.Should().ContainSingle().Which.CapBytes.Should().Be(512 << 20);
    }

    [Fact]
    public async Task A_trailing_comma_is_told_at_its_place_and_not_to_programmers()
    {
        File.WriteAllText(_loadline.Folder["budgets.json"], "{\n \"checkpoints\": {},\n}");

        (await _loadline.RunAsync("run", "--budgets", _loadline.Folder["budgets.json"])).Should().Be(2);

        _loadline.Error.Should().StartWith($"loadline: {_loadline.Folder["budgets.json"]}:3: is not valid JSON: ").And.NotContain("reader options").And.NotContain("mode");
    }
}
