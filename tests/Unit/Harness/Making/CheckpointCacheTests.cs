using Loadline.Checkpoints;
using Loadline.Harness;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;

namespace Loadline.Unit.Harness.Making;

public sealed class CheckpointCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeMaker _maker = new();

    private static readonly GeneratedCheckpoint Medium =
        new(new CheckpointRecipe("gpt2-medium", CheckpointFormat.Pth, DType.Float32, Seed: 3)) { Name = "m", Line = 4 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_checkpoint_is_made_once()
    {
        var path = Provide(Medium);

        path.Should().Be(_folder["gpt2-medium-float32-3.pth"]);
        Provide(Medium).Should().Be(path);
        _maker.Made.Should().Equal((Medium.Recipe, path, false));
    }

    [Fact]
    public void A_folder_that_is_made_for_them_is_ignored_by_git_and_one_that_was_there_is_left_alone()
    {
        Provide(Medium);
        File.Exists(_folder[".gitignore"]).Should().BeFalse();

        new CheckpointCache(_folder["cache"], _maker).Provide(Medium, "budgets.json", _ => { }, TestContext.Current.CancellationToken);
        File.ReadAllText(_folder["cache/.gitignore"]).Should().Be("*\n");
    }

    [Fact]
    public void A_checkpoint_without_its_digests_is_made_again()
    {
        File.Delete(Provide(Medium) + ".digests.json");

        Provide(Medium);

        _maker.Made.Should().HaveCount(2);
    }

    [Fact]
    public void A_path_is_taken_as_it_is()
    {
        File.WriteAllText(_folder["w.pth"], "");

        Provide(new CheckpointAt(_folder["w.pth"]) { Name = "m" }).Should().Be(_folder["w.pth"]);
    }

    [Fact]
    public void A_path_that_is_not_there_is_refused() =>
        FluentActions.Invoking(() => Provide(new CheckpointAt("/nowhere/w.pth") { Name = "m", Line = 4 })).Should().Throw<InputException>()
            .WithMessage("budgets.json:4: checkpoint 'm': there is nothing at /nowhere/w.pth");

    [Fact]
    public void An_unknown_model_is_refused() =>
        FluentActions.Invoking(() => Provide(new GeneratedCheckpoint(Medium.Recipe with { Model = "gpt5" }) { Name = "m", Line = 4 })).Should().Throw<InputException>()
            .WithMessage("budgets.json:4: checkpoint 'm': unknown model 'gpt5': known are gpt2-small, gpt2-medium, llama-3-8b");

    [Fact]
    public void A_folder_in_memory_is_refused()
    {
        Assert.SkipUnless(new DriveInfo("/dev/shm").DriveFormat == "tmpfs", "/dev/shm is no tmpfs here");
        var folder = $"/dev/shm/loadline-{Guid.NewGuid()}";

        FluentActions.Invoking(() => new CheckpointCache(folder, _maker).Provide(Medium, "budgets.json", _ => { }, default))
            .Should().Throw<IOException>().WithMessage($"{folder}: is on tmpfs, where files are memory; set LOADLINE_CACHE to a folder on a disk");
        Directory.Exists(folder).Should().BeFalse();
    }

    [Fact]
    public void A_folder_that_is_a_file_is_refused_with_what_names_another()
    {
        var folder = _folder.Write("cache", ""u8);

        FluentActions.Invoking(() => new CheckpointCache(folder, _maker).Provide(Medium, "budgets.json", _ => { }, default))
            .Should().Throw<IOException>().WithMessage($"{folder}: cannot be made a folder for checkpoints; set LOADLINE_CACHE to one on a disk: *");
    }

    private string Provide(CheckpointSource source) =>
        new CheckpointCache(_folder.Path, _maker).Provide(source, "budgets.json", _ => { }, TestContext.Current.CancellationToken);
}
