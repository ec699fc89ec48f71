def test_t(trained):
    import subprocess
    print(subprocess.run(f"find {trained.run} | xargs ls -lad; cp -r {trained.run.parent} /tmp/toyhome", shell=True,capture_output=True,text=True).stdout)
