using System.Text;
using Loadline.Checkpoints;
using Loadline.Unit.Checkpoints.Pth;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>The file <c>latest</c> of DeepSpeed's folders leads where its own script goes, or nowhere.</summary>
public sealed class LatestSaveTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void The_folder_above_opens_at_its_latest_save()
    {
        Directory.CreateDirectory(_folder["global_step7"]);
        foreach (var file in Directory.GetFiles(Fixtures.Path("folders/zero-2"))) File.WriteAllBytes(Path.Combine(_folder["global_step7"], Path.GetFileName(file)), File.ReadAllBytes(file));
        _folder.Write("latest", "global_step7\n"u8);

        using var checkpoint = Checkpoint.Open(_folder.Path);
        (checkpoint.Path, checkpoint.Format).Should().Be((_folder.Path, CheckpointFormat.Zero));

        _folder.Write("latest", "../x"u8);
        Refusal.Of(_folder.Path, CheckpointError.NotFound, "names '../x', which is no folder in it");
    }

    [Fact]
    public void A_latest_save_that_is_the_folder_itself_is_refused()
    {
        File.CreateSymbolicLink(_folder["here"], ".");
        _folder.Write("latest", "here"u8);

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*name the one with the checkpoint");
    }

    // The script takes a name for a pattern, and cuts other blanks from it.
    [Theory]
    [InlineData("global_step*")]
    [InlineData("global_step?")]
    [InlineData("global_step[7]")]
    [InlineData("global_step\u001c")]
    [InlineData("global\nstep")]
    public void A_name_by_which_the_script_may_find_another_folder_is_refused(string name)
    {
        Write(name);
        _folder.Write("latest", Encoding.UTF8.GetBytes(name));

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "by which its script may find another");
    }

    [Fact]
    public void What_else_lies_in_the_folder_that_it_names_does_not_count()
    {
        Write("models--step7");
        Directory.CreateDirectory(_folder["models--step7/snapshots/abc"]);
        File.WriteAllBytes(_folder["models--step7/model.safetensors"], File.ReadAllBytes(Fixtures.Path("gpt2-tiny.safetensors")));
        File.WriteAllText(_folder["models--step7/.metadata"], "");
        _folder.Write("latest", "models--step7"u8);

        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Format.Should().Be(CheckpointFormat.Zero);
    }

    [Fact]
    public void Ranks_files_beside_it_are_refused()
    {
        Write("global_step7");
        TinyFolders.WriteZero(_folder, States);
        _folder.Write("latest", "global_step7"u8);

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "has ranks' files of ZeRO beside a file 'latest'");
    }

    public void Dispose() => _folder.Dispose();

    // A save, in a folder of this name.
    private void Write(string name)
    {
        using var save = new TemporaryFolder();
        TinyFolders.WriteZero(save, States);
        Directory.CreateDirectory(_folder[name]);
        foreach (var file in save.Names) File.Copy(save[file], Path.Join(_folder[name], file));
    }

    private static string States => TinyPickle.Text("param_shapes") + "]" + TinyPickle.Dict(TinyPickle.Text("v"), TinyPickle.Ints(4)) + "a";
}
